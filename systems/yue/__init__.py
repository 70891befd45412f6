"""YuE, first version (M-A-P, HKUST): two language models over codec tokens, section by section."""
