"""What the paper reports (Hassan et al. 2026, doi 10.1177/20552076261466149), in one place."""

DOI = "10.1177/20552076261466149"
PARAMETERS = 300_000  # "~0.3 M"
FOOTPRINT_BYTES = 1_350_000  # 1.35 MB
PRIMARY_ACCURACY = 0.9816
PRIMARY_INTERVAL = (0.9663, 0.9939)  # 95%, bootstrap over images
PRIMARY_IMAGES = 326  # by arithmetic: 320 of 326 gives both the accuracy and the interval
EXTERNAL_ACCURACY = 0.9602
CPU_LATENCY_MS = 454.67
GPU_LATENCY_MS = 11.24
SE_DROP_POINTS = 30.0  # "more than"
