package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model folder's tokens are bytes only where nothing in it says otherwise. */
class FoldersTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vocab.json",
        "merges.txt",
        "vocab.txt",
        "vocab.bpe",
        "encoder.json",
        "dict.txt",
        "tekken.json",
        "tokenizer.model",
        "tokenizer.model.v3",
        "spiece.model",
        "sentencepiece.bpe.model",
        "spm.model",
        "source.spm",
        "qwen.tiktoken",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "roberta-vocab.json",
        "m.model",
        "tok32k.model",
        "spm.vocab",
        "rwkv_vocab_v20230424.txt",
        "vocab",
        "vocab.txt.gz",
        "vocabulary.json",
        "unigram.json",
        "bpe_merges",
        "tokenizers.json",
        "tokenization_retnet.py",
        "TOKENIZER.JSON"
      })
  void anotherTokenizerIsRefused(String name) throws IOException {
    Path file = Files.writeString(folder.resolve(name), "{}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tokenizers.forFolder(folder, 300))
        .withMessageContainingAll("tokenizer.json", file.toString(), "save_pretrained");
    Files.copy(TokenizerFiles.metaspace(), folder.resolve("tokenizer.json"));
    try (Tokenizer tokenizer = Tokenizers.forFolder(folder, 300)) {
      assertThat(tokenizer.encode("hi yo")).containsExactly(1, 263, 267);
    }
  }

  @Test
  void filesOfTheModelAreNoTokenizer() throws IOException {
    for (String name :
        new String[] {
          "config.json",
          "generation_config.json",
          "model.safetensors",
          "model-00001-of-00002.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "README.md",
          "LICENSE.txt",
          "modeling_retnet.py",
          "input_ids.npy"
        }) {
      Files.writeString(folder.resolve(name), "");
    }
    try (Tokenizer tokenizer = Tokenizers.forFolder(folder, 300)) {
      assertThat(tokenizer).isInstanceOf(ByteTokenizer.class);
    }
  }

  /** As in a cache of the hub whose blobs are gone. */
  @Test
  void aLinkThatLeadsNowhereIsNoMissingFile() throws IOException {
    Files.createSymbolicLink(folder.resolve("tokenizer.json"), folder.resolve("gone"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tokenizers.forFolder(folder, 300))
        .withMessageContaining("tokenizer.json");
  }
}
