"""songbench: benchmark and evaluation harness for song generators."""
