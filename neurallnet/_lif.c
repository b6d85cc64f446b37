/* Leaky integrate-and-fire over all time steps in one pass over memory, with its backward pass.
 *
 * A plain C library, called through ctypes by fused.py; built at install when a compiler is there, replaced by torch operations
 * of the same meaning when not. Layout of every large array: (T, B, P, C), C fastest (channels_last), P = pixels.
 * The input current is scale[t,b,c] * x[t,b,p,c] + shift[t,b,c]: batch normalization and the SE gate arrive here as an
 * affine map per image, time step and channel, so that neither needs a pass of its own. When Tx = 1 the input is the same at
 * every step (direct encoding) and is read, and its gradient written, once.
 *
 * Equations, with u the stored membrane potential and H the Heaviside step (the order of operations is snntorch's):
 *     r = H(u - threshold)
 *     m = beta * u + current - r * threshold     (subtract)      m = beta * ((1 - r) * u) + current     (zero)
 *     s = H(m - threshold)
 *     u = m                                      (reset delayed by one step)
 *     u = m - (s - r) * threshold                (subtract, not delayed)      u = m - (s - r) * m      (zero, not delayed)
 * Contraction to fused multiply-add must stay off: float32 results equal snntorch's bit for bit.
 */
#include <stdint.h>
#include <string.h>

#include "_portable.h"

#define CHUNK 64
#define MAX_STEPS 64

typedef struct {
    float beta, threshold;
    int zero_reset; /* 0 subtract, 1 to zero */
    int delayed;    /* 1: the reset acts one step later */
    int surrogate;  /* 0 fast sigmoid, 1 arc tangent */
    float slope;
} Neuron;

typedef struct {
    int64_t steps, input_steps, batch, pixels, channels; /* input_steps is steps, or 1 for a constant input */
    int bf16;                                            /* storage of x, spikes and their gradients */
} Shape;

static inline float widen(uint16_t half)
{
    union { uint32_t bits; float value; } v;
    v.bits = (uint32_t)half << 16;
    return v.value;
}

static inline uint16_t narrow(float value) /* round to nearest, ties to even */
{
    union { uint32_t bits; float value; } v;
    v.value = value;
    return (uint16_t)((v.bits + 0x7fffu + ((v.bits >> 16) & 1u)) >> 16);
}

static inline void load(const void *array, int64_t at, int n, int bf16, float *restrict out)
{
    if (bf16) {
        const uint16_t *restrict a = (const uint16_t *)array + at;
        for (int i = 0; i < n; i++) out[i] = widen(a[i]);
    } else {
        memcpy(out, (const float *)array + at, (size_t)n * sizeof(float));
    }
}

static inline void store(void *array, int64_t at, int n, int bf16, const float *restrict in)
{
    if (bf16) {
        uint16_t *restrict a = (uint16_t *)array + at;
        for (int i = 0; i < n; i++) a[i] = narrow(in[i]);
    } else {
        memcpy((float *)array + at, in, (size_t)n * sizeof(float));
    }
}

/* One time step for n neurons: reads u and current, leaves the integrated potential in m, the spike in s, the new state in u. */
static inline void step(const Neuron *k, int n, float *restrict u, const float *restrict current, float *restrict m,
                        float *restrict s)
{
    const float beta = k->beta, threshold = k->threshold;
    const int zero_reset = k->zero_reset, delayed = k->delayed;
    for (int i = 0; i < n; i++) {
        float r = (u[i] - threshold) > 0.0f ? 1.0f : 0.0f;
        float potential = zero_reset ? beta * ((1.0f - r) * u[i]) + current[i]
                                        : (beta * u[i] + current[i]) - r * threshold;
        float spike = (potential - threshold) > 0.0f ? 1.0f : 0.0f;
        m[i] = potential;
        s[i] = spike;
        if (delayed)
            u[i] = potential;
        else
            u[i] = zero_reset ? potential - (spike - r) * potential : potential - (spike - r) * threshold;
    }
}

static inline void affine(const float *restrict x, const float *restrict scale, const float *restrict shift, int n,
                          float *restrict current)
{
    for (int i = 0; i < n; i++) current[i] = x[i] * scale[i] + shift[i];
}

/* Surrogate derivative of the spike at each integrated potential. */
static inline void derivatives(const float *restrict m, int n, float threshold, float slope, int arctan, float *restrict out)
{
    if (arctan)
        for (int i = 0; i < n; i++) {
            const float bend = 1.57079632679f * slope * (m[i] - threshold);
            out[i] = 0.5f * slope / (1.0f + bend * bend);
        }
    else
        for (int i = 0; i < n; i++) {
            const float over = m[i] - threshold, fall = slope * (over < 0.0f ? -over : over) + 1.0f;
            out[i] = 1.0f / (fall * fall);
        }
}

/* Values of an image are taken in chunks of whole pixels when there are few channels, or of part of a pixel's channels; either way
 * a chunk is contiguous, and starts at a channel that does not change while pixels pass. `tile` writes a per-channel row once for
 * every pixel of a chunk; `gather` adds such copies up again. Where a chunk is full its length is a constant to the compiler. */
typedef struct {
    int64_t first;       /* channel the chunks begin with */
    int width, together; /* channels, and pixels, in one chunk */
} Strip;

static inline Strip strip_at(const Shape *d, int64_t c)
{
    const int width = (int)(d->channels - c < CHUNK ? d->channels - c : CHUNK);
    const Strip strip = {c, width, width == d->channels && width <= CHUNK / 2 ? CHUNK / width : 1};
    return strip;
}

static inline void tile(const Strip *strip, const float *restrict row, float *restrict out)
{
    for (int q = 0; q < strip->together; q++) memcpy(out + q * strip->width, row + strip->first, strip->width * sizeof(float));
}

static inline void gather(const Strip *strip, const float *restrict sums, float *restrict row)
{
    for (int q = 0; q < strip->together; q++)
        for (int i = 0; i < strip->width; i++) row[strip->first + i] += sums[q * strip->width + i];
}

ALWAYS_INLINE void forward_chunk(const Neuron *k, const Shape *d, int64_t at, const int n, const void *x,
                                 const float (*restrict gain)[CHUNK], const float (*restrict offset)[CHUNK], void *spikes,
                                 float *potentials)
{
    const int64_t all = d->batch * d->pixels * d->channels;
    float u[CHUNK] = {0}, m[CHUNK], s[CHUNK], v[CHUNK], current[CHUNK];
    for (int64_t t = 0; t < d->steps; t++) {
        const int64_t tx = d->input_steps == 1 ? 0 : t;
        if (tx == t) {
            load(x, tx * all + at, n, d->bf16, v);
            affine(v, gain[tx], offset[tx], n, current);
        }
        step(k, n, u, current, m, s);
        store(spikes, t * all + at, n, d->bf16, s);
        if (potentials) memcpy(potentials + t * all + at, u, (size_t)n * sizeof(float));
    }
}

VECTOR static void forward_image(const Neuron *k, const Shape *d, int64_t b, const void *x, const float *scale,
                                 const float *shift, void *spikes, float *potentials)
{
    float gain[MAX_STEPS][CHUNK], offset[MAX_STEPS][CHUNK];
    for (int64_t c = 0; c < d->channels; c += CHUNK) {
        const Strip strip = strip_at(d, c);
        for (int64_t t = 0; t < d->input_steps; t++) {
            tile(&strip, scale + (t * d->batch + b) * d->channels, gain[t]);
            tile(&strip, shift + (t * d->batch + b) * d->channels, offset[t]);
        }
        for (int64_t p = 0; p < d->pixels; p += strip.together) {
            const int64_t at = (b * d->pixels + p) * d->channels + c, left = d->pixels - p;
            const int n = strip.width * (int)(left < strip.together ? left : strip.together);
            if (n == CHUNK)
                forward_chunk(k, d, at, CHUNK, x, gain, offset, spikes, potentials);
            else
                forward_chunk(k, d, at, n, x, gain, offset, spikes, potentials);
        }
    }
}

typedef struct { /* gradients of one strip, a value per place of a chunk */
    float scale[MAX_STEPS][CHUNK], shift[MAX_STEPS][CHUNK], beta[CHUNK];
} Sums;

ALWAYS_INLINE void backward_chunk(const Neuron *k, const Shape *d, int64_t at, const int n, const void *x,
                                  const float (*restrict gain)[CHUNK], const float (*restrict offset)[CHUNK],
                                  const void *g_spikes, const float *g_potentials, void *g_x, Sums *restrict sums, int learned)
{
    const int64_t all = d->batch * d->pixels * d->channels;
    const float beta = k->beta, threshold = k->threshold, slope = k->slope;
    const float zero = k->zero_reset ? 1.0f : 0.0f, instant = k->delayed ? 0.0f : 1.0f;
    const int arctan = k->surrogate;
    float u[MAX_STEPS + 1][CHUNK], m[MAX_STEPS][CHUNK], s[CHUNK], v[MAX_STEPS][CHUNK], current[CHUNK];
    float g_u[CHUNK] = {0}, g_s[CHUNK], g_v[CHUNK] = {0}, dspike[CHUNK];
    memset(u[0], 0, sizeof u[0]);
    for (int64_t t = 0; t < d->steps; t++) { /* replay the forward pass: cheaper than reading stored potentials */
        const int64_t tx = d->input_steps == 1 ? 0 : t;
        if (tx == t) {
            load(x, tx * all + at, n, d->bf16, v[tx]);
            affine(v[tx], gain[tx], offset[tx], n, current);
        }
        memcpy(u[t + 1], u[t], (size_t)n * sizeof(float));
        step(k, n, u[t + 1], current, m[t], s);
    }
    const float constant = d->input_steps == 1 ? 1.0f : 0.0f; /* a constant input gathers the gradient of all steps */
    for (int64_t t = d->steps - 1; t >= 0; t--) {
        const int64_t tx = d->input_steps == 1 ? 0 : t;
        const float *restrict before = u[t], *restrict potential = m[t], *restrict input = v[tx], *restrict factor = gain[tx];
        float *restrict sum_scale = sums->scale[tx], *restrict sum_shift = sums->shift[tx];
        load(g_spikes, t * all + at, n, d->bf16, g_s);
        if (g_potentials)
            for (int i = 0; i < n; i++) g_u[i] += g_potentials[t * all + at + i];
        derivatives(potential, n, threshold, slope, arctan, dspike);
        for (int i = 0; i < n; i++) { /* no branches, so that it vectorizes; zero and instant are 0 or 1 */
            const float r = (before[i] - threshold) > 0.0f ? 1.0f : 0.0f;
            const float fired = (potential[i] - threshold) > 0.0f ? 1.0f : 0.0f;
            const float lost = zero * ((fired - r) + potential[i] * dspike[i]) + (1.0f - zero) * (threshold * dspike[i]);
            const float g_m = g_s[i] * dspike[i] + g_u[i] * (1.0f - instant * lost);
            g_u[i] = beta * (1.0f - zero * r) * g_m;
            sum_scale[i] += g_m * input[i];
            sum_shift[i] += g_m;
            g_v[i] = constant * g_v[i] + g_m * factor[i];
        }
        if (learned) /* dm/dbeta is u, or (1 - r) u; g_u already holds g_m times beta, or times beta (1 - r) */
            for (int i = 0; i < n; i++) sums->beta[i] += g_u[i] * before[i];
        if (d->input_steps != 1) store(g_x, t * all + at, n, d->bf16, g_v);
    }
    if (d->input_steps == 1) store(g_x, at, n, d->bf16, g_v);
}

VECTOR static void backward_image(const Neuron *k, const Shape *d, int64_t b, const void *x, const float *scale,
                                  const float *shift, const void *g_spikes, const float *g_potentials, void *g_x,
                                  float *g_scale, float *g_shift, float *g_beta)
{
    float gain[MAX_STEPS][CHUNK], offset[MAX_STEPS][CHUNK], total = 0.0f;
    Sums sums;
    for (int64_t c = 0; c < d->channels; c += CHUNK) {
        const Strip strip = strip_at(d, c);
        for (int64_t t = 0; t < d->input_steps; t++) {
            const int64_t row = (t * d->batch + b) * d->channels;
            tile(&strip, scale + row, gain[t]);
            tile(&strip, shift + row, offset[t]);
            memset(sums.scale[t], 0, sizeof sums.scale[t]);
            memset(sums.shift[t], 0, sizeof sums.shift[t]);
        }
        memset(sums.beta, 0, sizeof sums.beta);
        for (int64_t p = 0; p < d->pixels; p += strip.together) {
            const int64_t at = (b * d->pixels + p) * d->channels + c, left = d->pixels - p;
            const int n = strip.width * (int)(left < strip.together ? left : strip.together);
            if (n == CHUNK)
                backward_chunk(k, d, at, CHUNK, x, gain, offset, g_spikes, g_potentials, g_x, &sums, g_beta != 0);
            else
                backward_chunk(k, d, at, n, x, gain, offset, g_spikes, g_potentials, g_x, &sums, g_beta != 0);
        }
        for (int64_t t = 0; t < d->input_steps; t++) {
            const int64_t row = (t * d->batch + b) * d->channels;
            gather(&strip, sums.scale[t], g_scale + row);
            gather(&strip, sums.shift[t], g_shift + row);
        }
        for (int i = 0; i < CHUNK; i++) total += sums.beta[i];
    }
    if (g_beta) g_beta[b] = total / k->beta;
}

/* Mean and mean square over the pixels of one image, for every channel. */
VECTOR static void moments_image(const Shape *d, int64_t row, const void *x, float *mean, float *square)
{
    const float weight = 1.0f / (float)d->pixels;
    float v[CHUNK], sum[CHUNK], sum2[CHUNK];
    for (int64_t c = 0; c < d->channels; c += CHUNK) {
        const int n = (int)(d->channels - c < CHUNK ? d->channels - c : CHUNK);
        memset(sum, 0, sizeof sum);
        memset(sum2, 0, sizeof sum2);
        for (int64_t p = 0; p < d->pixels; p++) {
            load(x, (row * d->pixels + p) * d->channels + c, n, d->bf16, v);
            for (int i = 0; i < n; i++) {
                sum[i] += v[i];
                sum2[i] += v[i] * v[i];
            }
        }
        for (int i = 0; i < n; i++) {
            mean[row * d->channels + c + i] = sum[i] * weight;
            square[row * d->channels + c + i] = sum2[i] * weight;
        }
    }
}

/* g_x += (g_mean + 2 x g_square) / pixels, in place. */
VECTOR static void moments_backward_image(const Shape *d, int64_t row, const void *x, const float *g_mean,
                                          const float *g_square, void *g_x)
{
    const float weight = 1.0f / (float)d->pixels;
    float v[CHUNK], g[CHUNK];
    for (int64_t p = 0; p < d->pixels; p++)
        for (int64_t c = 0; c < d->channels; c += CHUNK) {
            const int n = (int)(d->channels - c < CHUNK ? d->channels - c : CHUNK);
            const int64_t at = (row * d->pixels + p) * d->channels + c;
            const float *restrict g1 = g_mean + row * d->channels + c, *restrict g2 = g_square + row * d->channels + c;
            load(x, at, n, d->bf16, v);
            load(g_x, at, n, d->bf16, g);
            for (int i = 0; i < n; i++) g[i] += (g1[i] + 2.0f * v[i] * g2[i]) * weight;
            store(g_x, at, n, d->bf16, g);
        }
}

EXPORT int lif_version(void) { return 3; }

EXPORT void lif_forward(const Neuron *k, const Shape *d, const void *x, const float *scale, const float *shift, void *spikes,
                        float *potentials)
{
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < d->batch; b++) forward_image(k, d, b, x, scale, shift, spikes, potentials);
}

/* g_scale and g_shift must come in as zeros. g_beta, one number per image, may be null; otherwise beta must not be 0. */
EXPORT void lif_backward(const Neuron *k, const Shape *d, const void *x, const float *scale, const float *shift,
                         const void *g_spikes, const float *g_potentials, void *g_x, float *g_scale, float *g_shift,
                         float *g_beta)
{
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < d->batch; b++)
        backward_image(k, d, b, x, scale, shift, g_spikes, g_potentials, g_x, g_scale, g_shift, g_beta);
}

EXPORT void moments_forward(const Shape *d, const void *x, float *mean, float *square)
{
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < d->input_steps * d->batch; row++) moments_image(d, row, x, mean, square);
}

EXPORT void moments_backward(const Shape *d, const void *x, const float *g_mean, const float *g_square, void *g_x)
{
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < d->input_steps * d->batch; row++) moments_backward_image(d, row, x, g_mean, g_square, g_x);
}
