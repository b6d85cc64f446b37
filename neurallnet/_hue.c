/* Hue normalization in two passes over an image; hue.py says what it means and does the same with torch operations.
 *
 * Each image is one row of `planes` = 3 channels; the value of channel c at pixel p is in[c * plane + p * pixel], so that both
 * memory layouts of torch fit. Hues are in sextants of the circle.
 */
#include <math.h>
#include <stdint.h>

#include "_portable.h"

#define STRIDE 2
#define TINY 1e-6f
#define SEXTANT 1.04719755f /* radians */

static inline float largest(float a, float b) { return a > b ? a : b; }
static inline float smallest(float a, float b) { return a < b ? a : b; }

static inline float hue_of(float r, float g, float b, float value, float chroma)
{
    float scale = 1.0f / largest(chroma, TINY);
    float other = value == g ? 2.0f + (b - r) * scale : 4.0f + (r - g) * scale;
    return value == r ? (g - b) * scale : other;
}

static inline float ramp(float place)
{
    place -= 6.0f * floorf(place * (1.0f / 6.0f));
    return largest(0.0f, smallest(1.0f, smallest(place, 4.0f - place)));
}

static float dominant_hue(const float *in, int64_t height, int64_t width, int64_t pixel, int64_t plane)
{
    double x = 0, y = 0;
    for (int64_t row = 0; row < height; row += STRIDE)
        for (int64_t column = 0; column < width; column += STRIDE) {
            const float *p = in + (row * width + column) * pixel;
            float r = p[0], g = p[plane], b = p[2 * plane];
            float value = largest(largest(r, g), b), chroma = value - smallest(smallest(r, g), b);
            float angle = hue_of(r, g, b, value, chroma) * SEXTANT, weight = chroma * chroma;
            x += weight * cosf(angle);
            y += weight * sinf(angle);
        }
    return x == 0 && y == 0 ? 0.0f : (float)(atan2(y, x) / SEXTANT);
}

VECTOR static void turn(const float *in, float *out, int64_t pixels, int64_t pixel, int64_t plane, float by)
{
    for (int64_t i = 0; i < pixels; i++) {
        const float *p = in + i * pixel;
        float *q = out + i * pixel;
        float r = p[0], g = p[plane], b = p[2 * plane];
        float value = largest(largest(r, g), b), chroma = value - smallest(smallest(r, g), b);
        float hue = hue_of(r, g, b, value, chroma) + by;
        q[0] = value - chroma * ramp(hue + 5.0f);
        q[plane] = value - chroma * ramp(hue + 3.0f);
        q[2 * plane] = value - chroma * ramp(hue + 1.0f);
    }
}

EXPORT void hue_normalize(const float *in, float *out, int64_t batch, int64_t height, int64_t width, int channels_last, float wanted)
{
    int64_t pixels = height * width, pixel = channels_last ? 3 : 1, plane = channels_last ? 1 : pixels;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < batch; i++) {
        const float *image = in + i * 3 * pixels;
        float by = wanted - dominant_hue(image, height, width, pixel, plane);
        turn(image, out + i * 3 * pixels, pixels, pixel, plane, by);
    }
}
