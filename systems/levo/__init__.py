"""LeVo, which Tencent released as SongGeneration, versions 1 and 2: an adapter for its own program."""
