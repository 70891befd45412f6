"""Descriptions of styles that have nothing to do with a prompt: the chance level of similarities to a text."""

STYLE_TEXTS = (
    "pop, female vocal, bright synths, 120 bpm, uplifting",
    "indie rock, male vocal, distorted electric guitars, live drums, energetic",
    "heavy metal, growling vocals, double bass drum, aggressive",
    "hip hop, rap, deep 808 bass, trap drums, dark",
    "rhythm and blues, soulful female vocal, electric piano, slow, intimate",
    "jazz trio, piano, double bass, brushed drums, late night",
    "classical string quartet, chamber music, lyrical",
    "country, acoustic guitar, steel guitar, male vocal, storytelling",
    "folk, fingerpicked guitar, soft male vocal, melancholic",
    "techno, four on the floor, hypnotic, no vocals",
    "ambient, drones, no drums, calm, spacious",
    "reggae, off-beat guitar, laid-back, male vocal",
    "disco, funky bass, strings, female choir, dancing",
    "punk, fast, shouted vocals, raw",
    "latin pop, Spanish guitar, percussion, passionate male vocal",
    "gospel choir, Hammond organ, hand claps, joyful",
    "film score, full orchestra, brass, heroic",
    "children's song, xylophone, cheerful, simple melody",
    "流行,男声,钢琴,抒情,慢速",
    "摇滚,女声,电吉他,激昂",
    "中国风,古筝,笛子,女声,婉转",
    "说唱,男声,节奏感强,电子鼓",
    "民谣,木吉他,男声,怀旧",
    "电子舞曲,合成器,欢快,快速",
)
"""Two dozen, as prompts write them: genre, voice, instruments, mood; in English and in Mandarin."""
