"""Lines that are no words to sing are named, and ordinary lines are not."""

from pathlib import Path

import pytest

from songbench.domain.lyric_lines import KINDS, odd_lines
from songbench.domain.suite import load_suite
from songbench.suites import DEMO, VALIDATION

ODD = {
    "heading": [
        "Chorus:",
        "Verse 2",
        "**Chorus**",
        "<chorus>",
        "{chorus}",
        "(Guitar Solo)",
        "(Instrumental)",
        "## Verse 1",
        "Pre-Chorus",
        "VERSE",
        "Chorus x2",
        "Outro:",
        "主歌",
        "副歌：",
        "（间奏）",
        "- Bridge -",
        "Verse 1: Anna",
        "Intro - soft piano:",
    ],
    "credit": [
        "作词：某人",
        "作曲 : A",
        "编曲：某某",
        "Written by John Smith",
        "Written by: J. Smith",
        "Lyrics: Anna",
        "Music by Jo Ray",
        "© 2024 Some Label",
        "Copyright 2021 Us",
        "Lyrics and Music by Ann Lee",
        "Produced by Max Martin and Anna Bell",
        "Artist: The Somebodies",
        "OP：某公司",
    ],
    "repeat": [
        "(x2)",
        "We are river (x2)",
        "We are river x2",
        "We are river [x2]",
        "La la ×3",
        "Hold the line 4x",
        "(repeat)",
        "(Repeat chorus)",
        "Repeat chorus",
        "repeat x2",
        "再来一次（x2）",
    ],
    "time": [
        "0:31",
        "0:31 Paper boats",
        "(01:05)",
        "2:15 - 2:40",
        "03:12 –",
    ],
    "chords": [
        "C G Am F",
        "Am G C F",
        "C       G       Am",
        "F#m7 Bm E",
        "C | G | Am | F",
        "Dm7 G7 Cmaj7",
        "e|--0--3--|",
        "G/B Am7",
    ],
    "markup": [
        "# softly",
        "Paper boats // whisper",
        "<br>",
        "Paper <i>boats</i>",
        "**loud** now",
        "<!-- no -->",
        "&nbsp;hello",
        "---",
        "___",
        "http://a.b/c",
        "```",
        "{whispered} la",
    ],
    "speaker": [
        "A: Paper boats",
        "Both: We are river",
        "John: hello",
        "Anna & Tom: we go",
        "John:",
        "男：你好",
        "合唱：我们",
        "All: hey",
        "Male: oh",
    ],
    "page": [
        "12Embed",
        "You might also like",
        "3 Contributors",
    ],
    "separator": [
        "Paper boats / I do not know",
        "Paper boats | I do not know",
    ],
}

ORDINARY = """Paper boats along the kerb
Meet me at 12:30 by the gate
5:30 in the morning and I miss you
I said: don't go
Listen: the rain is here
One thing: you
Oh, baby: come home
A
I
A B C D E F G
A B C, easy as one two three
Do re mi
Break
The end
Drop
Solo
Build me up
Hook me up tonight
Bridge over the water
Cross that bridge with me
Verse after verse I wrote for you
The chorus of the rain
Intro to my heart
Rap
Stop
Written in the stars
Written by the hand of time
Music by the river
Words by the thousand
Produced by the sun
Artist of the year
Title fight
Keys in my hand
Key to my heart
Am I the only one
F you
B
Em and me
C'est la vie
Go! Go! Go!
1, 2, 3, 4
One, two, three, four
10,000 miles
Route 66
24/7 on my mind
50/50 love
Her and/or me
Ooh (ooh), yeah (yeah)
(Oh oh oh)
(Hey!)
x marks the spot
X
Ex-lover
2 times a day
Repeat after me
Repeat it again and again
I love you more & more
R&B on the radio
I <3 you
5 > 4
#1 in my heart
@ midnight
Dear John: goodbye
Today: nothing
She says: stay
Then: silence
What a day - what a night
Wait... what?
Don't, don't, don't
Mr. Jones and me
See you live tonight
Key: change it
So: here we are
Title
We are the champions, my friends
城市的夜晚没有星星
我说：不要走
跟我走吧 跟我走吧
词不达意
曲终人散
鼓声响起
歌手在唱歌
高潮迭起的人生
过渡的季节
爱的主歌为你唱
君の名前を呼んでいた
Je ne sais pas : tu pars
Et moi ? Et toi ?
¿Dónde estás? ¡Aquí!""".splitlines()

WRITTEN_LIKE_SOMETHING_ELSE = {"Key: change it", "#1 in my heart"}
"""Of the ordinary lines, those that may be named: they are written like something else."""


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in ODD.items() for line in lines])
def test_odd_lines_are_named(kind, line):
    (odd,) = odd_lines([line])
    assert (odd.number, odd.text, odd.kind) == (1, line, kind)
    assert kind in KINDS


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_lines_are_not(line):
    assert bool(odd_lines([line])) == (line in WRITTEN_LIKE_SOMETHING_ELSE)


@pytest.mark.parametrize("path", [DEMO, VALIDATION, Path(__file__).parents[2] / "benchmarks/intelligibility.jsonl"])
def test_our_own_suites_hold_no_odd_lines(path):
    assert load_suite(path).remarks == ()
