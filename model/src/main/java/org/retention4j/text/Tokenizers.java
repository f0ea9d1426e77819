package org.retention4j.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;

/**
 * Finds the tokenizer of a model.
 *
 * @since 0.1
 */
public final class Tokenizers {
  private static final System.Logger LOG = System.getLogger(Tokenizers.class.getName());

  private static final String JSON = "tokenizer.json";

  /**
   * Files that say that a model's tokens are no bytes: SentencePiece's models, the vocabularies and
   * merges of Hugging Face's slow tokenizers, fairseq's, tiktoken's and Mistral's, and what only
   * describes a tokenizer.
   */
  private static final Pattern OTHERS =
      Pattern.compile(
          ".*\\.(model|vocab|spm|tiktoken)|(.*[-_.])?(vocab|vocabulary|merges)([-_.].*)?"
              + "|(unigram|wordpiece|bpe|encoder)\\.json|dict\\.txt|bpe\\.codes|bpecodes|tekken\\.json"
              + "|tokeniz.*|special_tokens_map\\.json|added_tokens\\.json",
          Pattern.CASE_INSENSITIVE);

  private Tokenizers() {}

  /**
   * Returns whether a folder's tokens are bytes, for want of a tokenizer.
   *
   * @throws IllegalArgumentException as {@link #forFolder} does, unless for what is in its {@code
   *     tokenizer.json}
   */
  public static boolean areBytes(Path modelFolder) {
    List<String> names = names(modelFolder);
    if (names.contains(JSON)) {
      return false;
    }
    List<String> others = names.stream().filter(name -> OTHERS.matcher(name).matches()).toList();
    if (!others.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %s, or no tokenizer for byte tokens, got %s%s: files of SentencePiece, of"
                  + " slow tokenizers and of their options are not read; save the tokenizer as %s"
                  + " with Hugging Face's AutoTokenizer.from_pretrained(...).save_pretrained(...)",
              JSON,
              modelFolder.resolve(others.get(0)),
              others.size() == 1
                  ? ""
                  : " and " + Shown.name(String.join(", ", others.subList(1, others.size()))),
              JSON));
    }
    return true;
  }

  /** Returns the names in a folder, of links that lead nowhere too. */
  private static List<String> names(Path folder) {
    Args.present("a model folder", folder);
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException("expected a model folder, got no folder " + folder);
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot list the model folder " + folder, e);
    }
  }

  /**
   * Returns the tokenizer of a model folder: its {@code tokenizer.json}, or bytes where the folder
   * holds nothing of a tokenizer. It puts around a text what {@code tokenizer.json} says; where
   * {@code add_bos_token} or {@code add_eos_token} of {@code tokenizer_config.json} says otherwise,
   * a warning is logged.
   *
   * @param vocabulary of the model, &gt;= 1
   * @throws IllegalArgumentException if there is no such folder, if it holds a tokenizer of another
   *     format, or if its {@code tokenizer.json} is no tokenizer
   */
  public static Tokenizer forFolder(Path modelFolder, int vocabulary) {
    if (areBytes(modelFolder)) {
      return new ByteTokenizer(vocabulary);
    }
    JsonTokenizer tokenizer = JsonTokenizer.open(modelFolder.resolve(JSON), vocabulary);
    for (String difference : TokenizerConfig.differences(modelFolder, tokenizer.surroundings())) {
      LOG.log(System.Logger.Level.WARNING, difference);
    }
    return tokenizer;
  }
}
