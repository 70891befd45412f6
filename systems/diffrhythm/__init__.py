"""DiffRhythm 1.2 (ASLP-lab): latent diffusion of whole songs from lyrics with line times and a style."""
