"""Phones guessed from spelling, for English words no dictionary has.

The network of g2p-en 2.1: letters through one GRU, phones out of another that starts from its last state and always
takes the likeliest phone. A GRU (Cho et al. 2014, arXiv:1406.1078) in PyTorch's layout, weights stacked as reset,
update, new: r = s(Wx + Uh), z = s(Wx + Uh), n = tanh(Wx + r * Uh), h' = (1 - z) * n + z * h.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from systems.songbloom.text.g2p_en_files import g2p_en_folder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

_LETTERS = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
_SOUNDS = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
_STRESSED = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
_MOST_PHONES = 20


def spelled_phones(word: str) -> list[str]:
    """The likeliest phones of a word, at most 20.

    Args:
        word: lower case; signs other than a-z are unknown letters to the network.

    Returns:
        ARPAbet phones; the network's special outputs (``<unk>`` and the like) are possible.
    """
    return _network().phones(word)


class _Network:
    """Weights as in g2p-en's checkpoint; embeddings (n, 64), hidden size 128."""

    def __init__(self) -> None:
        import numpy as np

        with np.load(g2p_en_folder() / "checkpoint20.npz") as file:
            self.weights: dict[str, Array] = {name: file[name] for name in file.files}

    def phones(self, word: str) -> list[str]:
        import numpy as np

        state: Array = np.zeros(self.weights["enc_w_hh"].shape[1], np.float32)
        for letter in (*word, "</s>"):
            number = _LETTERS.index(letter if letter in _LETTERS else "<unk>")
            state = self._step("enc", number, state)
        phones: list[str] = []
        last = _PHONES.index("<s>")
        for _ in range(_MOST_PHONES):
            state = self._step("dec", last, state)
            last = int(np.argmax(self.weights["fc_w"] @ state + self.weights["fc_b"]))
            if _PHONES[last] == "</s>":
                break
            phones.append(_PHONES[last])
        return phones

    def _step(self, part: str, number: int, state: Array) -> Array:
        """The state after one more symbol; `state` and the result have shape (128,)."""
        import numpy as np

        inputs = self.weights[f"{part}_w_ih"] @ self.weights[f"{part}_emb"][number] + self.weights[f"{part}_b_ih"]
        memory = self.weights[f"{part}_w_hh"] @ state + self.weights[f"{part}_b_hh"]
        input_reset, input_update, input_new = np.split(inputs, 3)
        memory_reset, memory_update, memory_new = np.split(memory, 3)
        reset = 1 / (1 + np.exp(-(input_reset + memory_reset)))
        update = 1 / (1 + np.exp(-(input_update + memory_update)))
        new = np.tanh(input_new + reset * memory_new)
        after: Array = (1 - update) * new + update * state
        return after


def _phone_outputs() -> tuple[str, ...]:
    """The network's outputs in order: four specials, then phones by name, vowels once per stress."""
    outputs = ["<pad>", "<unk>", "<s>", "</s>"]
    for phone in _SOUNDS.split():
        outputs += [phone + stress for stress in "012"] if phone in _STRESSED else [phone]
    outputs.insert(outputs.index("UW0"), "UW")
    return tuple(outputs)


_PHONES = _phone_outputs()


@cache
def _network() -> _Network:
    return _Network()
