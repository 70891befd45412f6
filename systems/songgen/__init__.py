"""SongGen: an autoregressive transformer that sings English lyrics for up to half a minute."""
