package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.retention4j.cli.Commands.GOLDEN;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.cli.Commands.Result;

/** The command as its users type it. */
class MainTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32"})
  void verifyHolds(String model) {
    Result result = ok("verify", "--model", golden(model));
    assertThat(result.out()).contains("chunkwise", "float64", "every bound holds");
  }

  /** A weight that is not finite breaks the bounds: exit code 1. */
  @Test
  void verifyFailsWhereABoundIsBroken() throws IOException {
    Path model = Commands.copyOf("fla-f32", folder.resolve("model"));
    Commands.spoil(model, "model.layers.0.attn.v_proj.weight");
    Result result = run("verify", "--model", model.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("BROKEN", "a bound is broken");
  }

  private String small() throws IOException {
    Path shape = folder.resolve("shape.json");
    Files.writeString(
        shape,
        "{\"model_type\":\"retnet\",\"hidden_size\":32,\"num_heads\":2,\"num_hidden_layers\":2,"
            + "\"vocab_size\":256,\"attn\":{\"layers\":[1],\"num_heads\":2}}");
    String out = folder.resolve("small").toString();
    Result result =
        ok("create", "--shape", shape.toString(), "--out", out, "--dtype", "f32", "--seed", "5");
    assertThat(result.out()).contains("parameters in F32");
    return out;
  }

  @Test
  void createsInformsConvertsAndGenerates() throws IOException {
    String model = small();
    assertThat(ok("info", model).out())
        .contains("fla", "1 retention, 1 attention", "weights in F32", "cache at 8,192");
    Result text = ok("generate", "--model", model, "--prompt", "abc", "--max-tokens", "12");
    assertThat(text.errors()).contains("12 tokens, ", "tokens/s", "max tokens", "position 14");
    Result again = ok("generate", "--model", model, "--prompt", "abc", "--max-tokens", "12");
    assertThat(again.out()).isEqualTo(text.out());
    Result listed =
        ok(
            "generate",
            "--model",
            model,
            "--prompt",
            "abc",
            "--max-tokens",
            "3",
            "--logprobs",
            "--temperature",
            "1",
            "--top-k",
            "5",
            "--top-p",
            "0.9",
            "--seed",
            "7",
            "--cache",
            "bf16",
            "--repetition-penalty",
            "1.1",
            "--stop-token",
            "255");
    assertThat(listed.out().lines().filter(line -> line.matches(" *\\d+ +-\\d\\.\\d{5}.*")))
        .hasSize(3);
    String copy = folder.resolve("copy").toString();
    ok("convert", "--from", model, "--to", copy, "--dtype", "bf16", "--shard-size", "10000");
    ok("convert", "--from", model, "--to", copy + "32", "--dtype", "fp32");
    assertThat(ok("info", copy + "32").out()).contains("weights in F32");
    assertThat(folder.resolve("copy/model.safetensors.index.json")).exists();
    assertThat(ok("info", copy).out()).contains("weights in BF16");
    assertThat(folder.resolve("copy/config.json")).content().contains("\"bfloat16\"");
  }

  /** The perplexity of a text against the logits of the logits command. */
  @Test
  void perplexityIsThatOfTheLogits() throws IOException {
    String model = small();
    String text = "Half a league, half a league, half a league onward. ".repeat(30);
    Path file = Files.writeString(folder.resolve("text.txt"), text);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long[] tokens = new long[bytes.length];
    java.util.Arrays.setAll(tokens, i -> bytes[i] & 0xff);
    Path ids = Commands.ids(folder.resolve("ids.npy"), tokens);
    Path out = folder.resolve("logits.npy");
    ok(
        "logits",
        "--model",
        model,
        "--ids",
        ids.toString(),
        "--compute",
        "float64",
        "--out",
        out.toString());
    double[] logits = NpyFile.read(out).floats();
    double loss = 0;
    for (int t = 0; t + 1 < bytes.length; t++) {
      double sum = 0;
      for (int i = 0; i < 256; i++) {
        sum += Math.exp(logits[t * 256 + i]);
      }
      loss += Math.log(sum) - logits[t * 256 + bytes[t + 1]];
    }
    String line = ok("perplexity", "--model", model, file.toString()).out();
    double expected = Math.exp(loss / (bytes.length - 1));
    assertThat(line).contains(String.format("%,d tokens scored", bytes.length - 1));
    assertThat(Double.parseDouble(line.replaceFirst("(?s).*perplexity ([0-9.]+);.*", "$1")))
        .isCloseTo(expected, within(1e-4 * expected));
    String perToken = ok("perplexity", "--model", model, "--tokens", file.toString()).out();
    assertThat(perToken.lines()).hasSize(bytes.length);
  }

  @Test
  void createMakesTheTransformerOfEqualSize() {
    String out = folder.resolve("t").toString();
    ok("create", "--shape", "125m", "--transformer", "--out", out);
    assertThat(ok("info", out).out())
        .contains("0 retention, 12 attention", "6 heads")
        .doesNotContain("beside it");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense | nonsense",
        "logits --ids x.npy --out y.npy | --model",
        "logits --model nowhere --ids G/fla-f32/input_ids.npy --out F/y.npy | nowhere",
        "logits --model G/fla-f32 --ids nothing.npy --out F/y.npy | nothing.npy",
        "logits --model G/fla-f32 --ids G/fla-f32/logits.npy --out F/y.npy | integers of shape (B,T)",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --out nowhere/y.npy | nowhere/y.npy",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --chunk 0 --out F/y.npy | expected --chunk >= 1, got 0",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --form parallel --chunk 4 --out F/y.npy | --chunk",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --form sideways --out F/y.npy | [parallel, recurrent, chunkwise]",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --weights int4 --out F/y.npy | [file, fp32, bf16, int8]",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --threads 0 --out F/y.npy | expected --threads in 1..1024, got 0",
        "generate --model G/fla-f32 --prompt hello | vocabulary",
        "generate --model G/fla-f32 --prompt ! --temperature -1 | --temperature",
        "generate --model G/fla-f32 --prompt ! --top-p 0 | --top-p",
        "generate --model G/fla-f32 --prompt ! --repetition-penalty 0 | --repetition-penalty > 0",
        "generate --model G/fla-f32 --prompt ! --cache-limit 0 | --cache-limit >= 1, got 0",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --out G/fla-f32/config.json/y.npy | Not a directory",
        "generate --model G/fla-hybrid --prompt !!!!!!!! --cache-limit 4 | at most 4",
        "perplexity --model G/fla-f32 nothing.txt | expected a text, got none, at nothing.txt",
        "perplexity --model G/fla-f32 G/fla-f32 | expected a text, got a folder, at ",
        "perplexity --model G/fla-hybrid --cache-limit 0 pom.xml | expected --cache-limit >= 1, got 0",
        "verify --model G/fla-f32 --text nothing.txt | expected a text, got none, at nothing.txt",
        "generate --model G/fla-hybrid --prompt ! --cache bf16 --compute float64 | --cache bf16 with --compute fp32 only",
        "create --shape 3b --out F/x | 125m",
        "create --shape 125m --dtype i64 --out F/x | expected f64, f32, f16 or bf16 for --dtype, got 'i64'",
        "create --shape 125m --out G/fla-f32 | without a checkpoint",
        "convert --from G/torchscale-f32 --to F/x --family fla | rotate",
        "convert --from G/torchscale-f32 --to F/x --family foo | [fla, torchscale], got foo",
        "convert --from G/fla-f32 --to F/x --shard-size 0 | shard-size",
        "info nowhere | nowhere"
      })
  void badInputIsOneLineAndExitCodeTwo(String line, String message) {
    String[] args = line.replace("G/", GOLDEN + "/").replace("F/", folder + "/").split(" ");
    Result result = run(args);
    assertThat(result.code()).as(result.errors()).isEqualTo(2);
    assertThat(result.errors().strip()).contains(message).doesNotContain("\n\tat ");
    assertThat(result.errors().strip().lines()).hasSize(1);
    assertThat(folder).isEmptyDirectory();
  }

  /** Sizes that overflow or fill the memory are refused by what they are. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'hidden_size':2000000000 | too large",
        "'hidden_size':200000000,'num_heads':8,'vocab_size':10 | expected room for",
        "'num_hidden_layers':2000000000 | at most 10000 layers",
        "'num_heads':5000,'hidden_size':10000 | heads"
      })
  void configurationsOfImpossibleSizeAreBadInput(String keys, String message) throws IOException {
    Path shape = folder.resolve("shape.json");
    Files.writeString(shape, ("{'model_type':'retnet'," + keys + "}").replace('\'', '"'));
    Result result =
        run("create", "--shape", shape.toString(), "--out", folder.resolve("x").toString());
    assertThat(result.code()).as(result.errors()).isEqualTo(2);
    assertThat(result.errors()).contains(message);
  }

  @Test
  void convertTakesTheTokenizerAlong() throws IOException {
    Path from = folder.resolve("from");
    Files.createDirectory(from);
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve("torchscale-f32").resolve(file), from.resolve(file));
    }
    Files.writeString(from.resolve("tokenizer.json"), "{}");
    Path to = folder.resolve("to");
    ok("convert", "--from", from.toString(), "--to", to.toString(), "--dtype", "bf16");
    assertThat(to.resolve("tokenizer.json")).hasContent("{}");
    assertThat(ok("info", to.toString()).out()).contains("torchscale");
  }

  /** A text that no cache has room for ends; what came before is not lost. */
  @Test
  void generationEndsWhereTheCacheEnds() {
    String model = golden("fla-hybrid");
    Result result =
        ok(
            "generate",
            "--model",
            model,
            "--prompt",
            "!!!!",
            "--cache-limit",
            "6",
            "--max-tokens",
            "10");
    assertThat(result.out() + result.errors()).contains("3 tokens", "cache full");
  }

  @Test
  void debugShowsWhere() {
    Result result = run("info", "nowhere", "--debug");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.errors()).contains("\tat ");
  }

  @Test
  void saysWhatItIs() {
    assertThat(ok("--help").out()).contains("logits", "generate", "verify", "Exit code");
    assertThat(ok("--version").out()).contains("retention");
    assertThat(run().code()).isEqualTo(2);
  }
}
