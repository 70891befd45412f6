"""MiniMax Music 3 from its published weights, by the pipeline that diffusers has of it."""
