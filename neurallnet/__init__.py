"""NeurALLNet: a convolutional spiking network with squeeze-and-excitation for blood-smear images, and the evidence about it."""
