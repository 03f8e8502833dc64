"""Writes a language model of a few megabytes that counts: python tiny_gguf.py FILE [WORDS]

A llama of one layer whose attention and feed-forward weights are zero, so that the next token depends on the last one alone:
after the word " t41" comes " t42", after anything else " t0", after the last word the end. With real servers (llama.cpp,
Ollama) a test can then tell a lost or doubled token from the text, as with the provider of our own.
"""

import sys

import gguf
import numpy as np

WIDTH = 256
HEADS = 4
FEED_FORWARD = 32
CONTEXT = 32768
# Said by the right token; others get at most a quarter of it, so that sampling at any usual temperature is certain.
LOGIT = 200.0

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
SPACE = "\u2581"


def vocabulary(words):
    """(text, score, type) by id. Every start of a word is a token too: SentencePiece builds words from pairs."""
    normal, unknown, control, byte = (
        gguf.TokenType.NORMAL,
        gguf.TokenType.UNKNOWN,
        gguf.TokenType.CONTROL,
        gguf.TokenType.BYTE,
    )
    tokens = [("<unk>", 0.0, unknown), ("<s>", 0.0, control), ("</s>", 0.0, control)]
    tokens += [(f"<0x{value:02X}>", 0.0, byte) for value in range(256)]
    tokens += [(text, -1000.0, normal) for text in [SPACE, "t", *"0123456789"]]
    tokens += [(f"{SPACE}t", -1.0, normal)]
    first_word = len(tokens)
    tokens += [(f"{SPACE}t{number}", -2.0, normal) for number in range(words)]
    return tokens, first_word


def followers(count, first_word):
    """The token that comes after each."""
    after = np.full(count, first_word)
    after[first_word : count - 1] = np.arange(first_word + 1, count)
    after[count - 1] = 2
    return after


def main(path, words=16000):
    tokens, first_word = vocabulary(words)
    count = len(tokens)
    random = np.random.default_rng(17)
    embedding = random.choice([-1.0, 1.0], size=(count, WIDTH)).astype(np.float32)
    # A row of the output says how well its token follows: the sum of the embeddings it comes after.
    after = followers(count, first_word)
    output = np.zeros((count, WIDTH), np.float32)
    for token in range(first_word, count):
        output[after[token]] += embedding[token]
    output[first_word] = 0
    # All the others lead to " t0"; they share the first component, and the words have its opposite.
    embedding[:first_word, 0] = WIDTH
    embedding[first_word:, 0] = -1.0
    output[:, 0] = 0
    output[first_word, 0] = WIDTH / 4
    output *= LOGIT / WIDTH

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny counter")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(count)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text.encode() for text, _, _ in tokens])
    writer.add_token_scores([score for _, score, _ in tokens])
    writer.add_token_types([int(kind) for _, _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    def zeros(name, *shape):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))

    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        zeros(name, WIDTH, WIDTH)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(WIDTH, np.float32))
    zeros("ffn_gate", FEED_FORWARD, WIDTH)
    zeros("ffn_up", FEED_FORWARD, WIDTH)
    zeros("ffn_down", WIDTH, FEED_FORWARD)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
