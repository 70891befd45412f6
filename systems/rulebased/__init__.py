"""`rulebased`: an original song from lyrics by rules: sampled instruments and a formant voice that sings the words."""
