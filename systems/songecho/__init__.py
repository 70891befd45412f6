"""SongEcho: a cover of a song from its melody, by adapters on ACE-Step v1: a new voice and a new band."""
