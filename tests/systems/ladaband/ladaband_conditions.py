"""Small random checkpoints of the networks behind the condition vectors."""

import json

from songbench.resources.cpu_imports import mend_cpu_imports
from systems.ladaband.conditions.files import CLAMP3, MERT, TEXT_MODEL

WIDTH, JOINT, TEXT_WIDTH = 64, 48, 32


def random_numbers(module, seed):
    """The module with numbers that are large enough for a mistake to show."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("original0", "weight_g")):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.ndim > 1:
                tensor.copy_(noise * (tensor[0].numel() ** -0.5))
            else:
                tensor.add_(0.1 * noise)
    return module.eval()


class SmallNetworks:
    """MERT, the two encoders of CLaMP 3 and the tokenizer, as transformers has them."""

    def __init__(self, joint=JOINT):
        mend_cpu_imports()
        import torch
        from transformers import BertConfig, BertModel, HubertConfig, HubertModel, XLMRobertaConfig, XLMRobertaModel

        sizes = HubertConfig(
            hidden_size=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=96,
            conv_dim=(16,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
        )
        words = XLMRobertaConfig(
            vocab_size=90,
            hidden_size=TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=48,
            max_position_embeddings=140,
            type_vocab_size=1,
            pad_token_id=1,
        )
        audio = BertConfig(
            vocab_size=1,
            hidden_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=1,
            intermediate_size=4 * WIDTH,
            max_position_embeddings=128,
        )
        self.mert = random_numbers(HubertModel(sizes), 0)
        self.text_model = random_numbers(XLMRobertaModel(words), 1)
        self.audio_model = random_numbers(BertModel(audio), 2)
        self.audio_proj = random_numbers(torch.nn.Linear(WIDTH, joint), 3)
        self.text_proj = random_numbers(torch.nn.Linear(TEXT_WIDTH, joint), 4)

    def clamp3_state(self):
        """As the published checkpoint names its tensors, with some of the third encoder."""
        parts = ("text_model", "text_proj", "audio_model", "audio_proj")
        tensors = {
            f"{part}.{name}": tensor for part in parts for name, tensor in getattr(self, part).state_dict().items()
        }
        return tensors | {"symbolic_proj.weight": self.audio_proj.weight.detach().clone()}

    def write(self, folder):
        """Write all files, each network in a folder of the weights' name."""
        import torch

        for name in (CLAMP3, MERT, TEXT_MODEL):
            (folder / name).mkdir(parents=True)
        torch.save({"model": self.clamp3_state(), "epoch": 1}, folder / CLAMP3 / "clamp3_saas.pth")
        torch.save(self.mert.state_dict(), folder / MERT / "pytorch_model.bin")
        (folder / MERT / "config.json").write_text(self.mert.config.to_json_string(use_diff=False))
        preparation = {"do_normalize": True, "sampling_rate": 24_000}
        (folder / MERT / "preprocessor_config.json").write_text(json.dumps(preparation))
        (folder / TEXT_MODEL / "config.json").write_text(self.text_model.config.to_json_string(use_diff=False))
        write_tokenizer(folder / TEXT_MODEL)


def write_tokenizer(folder):
    """A small tokenizer of XLM-RoBERTa's kind."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.processors import TemplateProcessing
    from tokenizers.trainers import UnigramTrainer

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(Unigram())
    tokenizer.pre_tokenizer = Metaspace()
    words = ["pop rock piano guitar female male vocal slow fast drums dark bright"] * 4
    tokenizer.train_from_iterator(words, UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>"))
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    settings = {"tokenizer_class": "XLMRobertaTokenizerFast", "model_max_length": 512}
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
