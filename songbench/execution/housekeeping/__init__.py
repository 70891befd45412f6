"""What runs take up, and how to be rid of what nobody needs: sizes, a system's results, what no run rests on."""
