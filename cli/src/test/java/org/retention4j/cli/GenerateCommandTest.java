package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;
import static org.retention4j.cli.Commands.run;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.cli.Commands.Result;
import org.retention4j.engine.Engine;

/** Texts through the command, on a model whose continuations are known without running it. */
class GenerateCommandTest {
  private final CountingModel counting = new CountingModel();

  @TempDir private Path folder;

  private Path model;

  @BeforeEach
  void write() throws IOException {
    model = counting.write(folder.resolve("model"), 'm', 261);
  }

  private void addTokenizer() throws IOException {
    Files.copy(Commands.TOKENIZER, model.resolve("tokenizer.json"));
  }

  private Result generate(String prompt, String... options) {
    String[] args = new String[options.length + 5];
    System.arraycopy(
        new String[] {"generate", "--model", model.toString(), "--prompt", prompt}, 0, args, 0, 5);
    System.arraycopy(options, 0, args, 5, options.length);
    return ok(args);
  }

  private Result generateFrom(String input, String... options) {
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
      return generate("-", options);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void continuesAPrompt() {
    Result result = generate("abc", "--max-tokens", "5");
    assertThat(result.out()).isEqualTo("defgh" + System.lineSeparator());
    // The last of 3 + 5 tokens is not read any more.
    assertThat(result.errors()).contains("5 tokens", "max tokens", "position 7");
    assertThat(generate("A", "--max-tokens", "3", "--compute", "float64").out().strip())
        .isEqualTo("BCD");
  }

  /** The same text in fewer passes; a model that is its own draft is always right. */
  @Test
  void draftsWithNGramsAndWithAModel() throws IOException {
    String expected = generate("abcabc", "--max-tokens", "40").out();
    Result grams = generate("ababab", "--max-tokens", "40", "--draft", "ngram");
    assertThat(grams.out().strip()).startsWith("cdefgh");
    assertThat(grams.errors()).contains("40 tokens", "drafted tokens accepted", "position 45");
    Result itself = generate("abcabc", "--max-tokens", "40", "--draft", model.toString());
    assertThat(itself.out()).isEqualTo(expected);
    assertThat(itself.errors()).contains("29 of 30 drafted tokens accepted (97 %), 10 passes");
    String command = "generate --prompt a --model " + model + " --draft ";
    refuses(command + "ngram --bf16-products", "--draft without --bf16-products");
    refuses(command + folder.resolve("none"), "none");
  }

  @Test
  void readsThePromptFromStandardInput() {
    Result result = generateFrom("é, then\nabc", "--max-tokens", "4");
    assertThat(result.out()).isEqualTo("defg" + System.lineSeparator());
    // é is two bytes: 12 of the prompt and 3 of the answer.
    assertThat(result.errors()).contains("position 15");
    // Nothing at all: the model's own token that begins a text, m.
    assertThat(generateFrom("", "--max-tokens", "2").out().strip()).isEqualTo("no");
  }

  @Test
  void endsBeforeAText() {
    Result result = generate("a", "--stop", "de");
    assertThat(result.out()).isEqualTo("bc" + System.lineSeparator());
    assertThat(result.errors()).contains("4 tokens", "stop string");
    assertThat(generate("a", "--stop", "zzz", "--stop", "ef", "--stop", "gh").out().strip())
        .isEqualTo("bcd");
    // What only begins like it comes out after all.
    result = generate("a", "--stop", "cdx", "--max-tokens", "3");
    assertThat(result.out().strip()).isEqualTo("bcd");
    assertThat(result.errors()).contains("max tokens");
    result = generate("a", "--stop-token", "101");
    assertThat(result.out().strip()).startsWith("bcd").doesNotContain("f");
    assertThat(result.errors()).contains("4 tokens", "stop token");
  }

  /** No file, no variable, no format, no quotes, no option: a byte is a byte. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "@note",
        "@@hi",
        "@",
        "\"quoted\"",
        "'q'",
        "${sys:user.name} $HOME",
        "%s %n",
        "a=b",
        "@|red x|@",
        "\\n\\u0041",
        " blanks ",
        "[FP32, BF16]",
        "-x",
        "--nonsense"
      })
  void takesTextsAsTheyAreWritten(String text) {
    assertThat(generate(text, "--max-tokens", "1").errors())
        .contains("position " + text.length() + System.lineSeparator());
  }

  @Test
  void readsTheFoldersTokenizer() throws IOException {
    addTokenizer();
    // "hello" is 259; 260 is " w"; 261 is named by the configuration as the end.
    Result result = generate("hello");
    assertThat(result.out()).isEqualTo(" w" + System.lineSeparator());
    assertThat(result.errors()).contains("2 tokens", "stop token", "position 2");
    result = generate("hello", "--ignore-eos", "--max-tokens", "3");
    assertThat(result.out()).isEqualTo(" w\0" + System.lineSeparator());
    assertThat(result.errors()).contains("3 tokens", "max tokens");
    assertThat(generate("say abc", "--max-tokens", "2").out().strip()).isEqualTo("de");
  }

  @Test
  void listsLogProbabilities() throws IOException {
    addTokenizer();
    List<String> lines =
        generate("abc", "--max-tokens", "3", "--logprobs").out().lines().skip(1).toList();
    assertThat(lines).hasSize(3);
    for (int i = 0; i < 3; i++) {
      String[] columns = lines.get(i).strip().split(" +");
      assertThat(columns).hasSize(3);
      assertThat(columns[0]).isEqualTo(Integer.toString('d' + i));
      assertThat(Double.parseDouble(columns[1]))
          .isCloseTo(counting.logProbability('c' + i, 'd' + i), within(2e-5));
      assertThat(columns[2]).isEqualTo(Character.toString('d' + i));
    }
  }

  /** As chat models end their texts: <|end|> is token 261, which the configuration names too. */
  @Test
  void stopsAtTheTextOfASpecialTokenAndListsItsName() throws IOException {
    addTokenizer();
    Result result = generate("hello", "--ignore-eos", "--stop", "<|end|>", "--logprobs");
    assertThat(result.errors()).contains("2 tokens", "stop string");
    List<String> lines = result.out().lines().toList();
    assertThat(lines.get(lines.size() - 1)).endsWith("<|end|>");
    refuses(
        "generate --prompt a --stop x<|end|> --model " + model, "--stop-token takes its number");
  }

  @Test
  void endTokensOfGenerationConfigCount() throws IOException {
    addTokenizer();
    Path file = model.resolve("generation_config.json");
    Files.writeString(file, "{\"eos_token_id\": [260], \"repetition_penalty\": 1.5}");
    Result result = generate("hello");
    assertThat(result.errors())
        .contains("1 tokens", "stop token", "not followed", "repetition_penalty 1.5");
    Files.writeString(file, "{\"eos_token_id\": \"260\"}");
    refuses("generate --prompt a --model " + model, "generation_config.json");
  }

  /** Tokens of the folder's tokenizer, each with the probability that arithmetic gives it. */
  @Test
  void perplexityReadsTheFoldersTokenizer() throws IOException {
    addTokenizer();
    Path text = Files.writeString(folder.resolve("text"), "hello w hello");
    int[] tokens = {259, 260, ' ', 259};
    double loss = 0;
    for (int i = 1; i < tokens.length; i++) {
      loss -= counting.logProbability(tokens[i - 1], tokens[i]) / 3;
    }
    String out = ok("perplexity --tokens --model " + model + " " + text).out();
    assertThat(out).contains("3 tokens scored");
    List<String> lines = out.lines().toList();
    assertThat(lines).hasSize(4);
    for (int i = 0; i < 3; i++) {
      assertThat(Double.parseDouble(lines.get(i)))
          .isCloseTo(counting.logProbability(tokens[i], tokens[i + 1]), within(2e-5));
    }
    assertThat(Double.parseDouble(lines.get(3).replaceFirst(".*mean loss ([0-9.]+) .*", "$1")))
        .isCloseTo(loss, within(2e-5));
    assertThat(Double.parseDouble(lines.get(3).replaceFirst(".*perplexity ([0-9.]+);.*", "$1")))
        .isCloseTo(Math.exp(loss), within(1e-4 * Math.exp(loss)));
  }

  /** Both operands rounded to bf16: other log-probabilities, and not very other ones. */
  @Test
  void roundsProductsOfAPromptOnRequest() {
    // The golden model's bytes end at 96.
    String prompt =
        "THE-RETENTION-OF-A-TEXT-OF-MORE-THAN-SIXTY-FOUR-BYTES-IS-READ-IN-ONE-PIECE-HERE";
    String command =
        "generate --logprobs --max-tokens 1 --model " + golden("fla-bf16") + " --prompt " + prompt;
    Result exact = run(command);
    Result rounded = run(command + " --bf16-products");
    assertThat(exact.code()).as(exact.errors()).isZero();
    assertThat(rounded.code()).as(rounded.errors()).isZero();
    double a = logProbability(exact);
    double b = logProbability(rounded);
    assertThat(b).isCloseTo(a, within(0.1));
    try (Engine engine = Engine.float32()) {
      assertThat(b != a).isEqualTo(engine.multipliesBfloat16());
    }
  }

  private static double logProbability(Result result) {
    List<String> lines = result.out().lines().toList();
    return Double.parseDouble(lines.get(lines.size() - 1).strip().split(" +")[1]);
  }

  @Test
  void reportsWeightsThatAreNotFinite() throws IOException {
    generate("a", "--check", "--max-tokens", "1");
    Commands.spoil(model, "model.layers.0.mlp.up_proj.weight");
    String command = "generate --max-tokens 1 --prompt a --model " + model;
    refuses(command + " --check", "NaN in model.layers.0.mlp.up_proj.weight[0,0]");
    Path text = Files.writeString(folder.resolve("text"), "abc");
    refuses(
        "perplexity --check --model " + model + " " + text,
        "NaN in model.layers.0.mlp.up_proj.weight[0,0]");
  }

  @Test
  void refusesWhatIsNoTokenizer() throws IOException {
    Files.writeString(model.resolve("tokenizer.json"), "{\"model\":");
    refuses("generate --prompt a --model " + model, "tokenizer.json");
    Path text = Files.writeString(folder.resolve("text"), "abc");
    refuses("perplexity --model " + model + " " + text, "tokenizer.json");
    Files.delete(model.resolve("tokenizer.json"));
    Files.writeString(model.resolve("tokenizer.model"), "x");
    refuses("generate --prompt a --model " + model, "tokenizer.model");
    Files.delete(model.resolve("tokenizer.model"));
    Files.writeString(model.resolve("merges.txt"), "#version: 0.2");
    refuses("generate --prompt a --model " + model, "merges.txt");
  }
}
