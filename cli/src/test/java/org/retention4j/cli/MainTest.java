package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.NpyFile;

/** The command as its users type it. */
class MainTest {
  private static final Path GOLDEN = Path.of("../tests/src/test/resources/golden/model");

  @TempDir private Path folder;

  private record Result(int code, String out, String errors) {}

  private static Result run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter errors = new StringWriter();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code = Main.execute(args, stream, new PrintWriter(errors, true));
    return new Result(code, out.toString(StandardCharsets.UTF_8), errors.toString());
  }

  private static Result ok(String... args) {
    Result result = run(args);
    assertThat(result.code()).as(result.errors()).isZero();
    return result;
  }

  private static String golden(String model) {
    return GOLDEN.resolve(model).toString();
  }

  private static double error(NpyFile actual, NpyFile expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.floats().length; i++) {
      difference += Math.pow(actual.floats()[i] - expected.floats()[i], 2);
      size += Math.pow(expected.floats()[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  @ParameterizedTest
  @CsvSource({
    "fla-f32, parallel, fp32, 5e-6",
    "fla-f32, recurrent, float64, 1e-12",
    "fla-bf16, chunkwise, fp32, 5e-6",
    "fla-bf16, parallel, float64, 1e-12",
    "fla-hybrid, recurrent, fp32, 5e-6",
    "fla-hybrid, chunkwise, float64, 1e-12",
    "torchscale-f32, parallel, fp32, 2e-6",
    "torchscale-f32, recurrent, fp32, 2e-6",
    "torchscale-f32, chunkwise, float64, 1e-12"
  })
  void logitsAreTheGoldenOnes(String model, String form, String compute, double bound) {
    Path out = folder.resolve("logits.npy");
    String ids = golden(model) + "/input_ids.npy";
    ok(
        "logits",
        "--model",
        golden(model),
        "--ids",
        ids,
        "--form",
        form,
        "--compute",
        compute,
        "--out",
        out.toString());
    boolean torchscale = model.startsWith("torchscale");
    String name = torchscale ? "logits_recurrent.npy" : "logits.npy";
    NpyFile expected = NpyFile.read(GOLDEN.resolve(model).resolve(name));
    assertThat(error(NpyFile.read(out), expected)).isLessThan(bound);
    assertThat(out.toFile().length() / expected.floats().length)
        .as("bytes per element")
        .isEqualTo(compute.equals("fp32") ? 4 : 8);
  }

  @Test
  void logitsTakeAChunkAndOtherWeights() {
    Path out = folder.resolve("logits.npy");
    String ids = golden("fla-f32") + "/input_ids.npy";
    NpyFile expected = NpyFile.read(GOLDEN.resolve("fla-f32/logits.npy"));
    ok(
        "logits",
        "--model",
        golden("fla-f32"),
        "--ids",
        ids,
        "--chunk",
        "5",
        "--out",
        out.toString());
    assertThat(error(NpyFile.read(out), expected)).isLessThan(5e-6);
    ok(
        "logits",
        "--model",
        golden("fla-f32"),
        "--ids",
        ids,
        "--weights",
        "int8",
        "--out",
        out.toString());
    assertThat(error(NpyFile.read(out), expected)).isBetween(1e-3, 6e-2);
    ok(
        "logits",
        "--model",
        golden("fla-f32"),
        "--ids",
        ids,
        "--weights",
        "bf16",
        "--out",
        out.toString());
    assertThat(error(NpyFile.read(out), expected)).isBetween(1e-4, 2e-2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32"})
  void verifyHolds(String model) {
    Result result = ok("verify", "--model", golden(model));
    assertThat(result.out()).contains("chunkwise", "float64", "every bound holds");
  }

  /** A weight that is not finite breaks the bounds: exit code 1. */
  @Test
  void verifyFailsWhereABoundIsBroken() throws IOException {
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve("fla-f32").resolve(name), folder.resolve(name));
    }
    Path file = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    int start = 8 + (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    String header = new String(bytes, 8, start - 8, StandardCharsets.UTF_8);
    String entry = header.substring(header.indexOf("\"model.layers.0.attn.v_proj.weight\""));
    String begin = entry.replaceFirst("(?s).*?\"data_offsets\"\\s*:\\s*\\[\\s*(\\d+).*", "$1");
    int at = start + Integer.parseInt(begin);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(at, Float.NaN);
    Files.write(file, bytes);
    Result result = run("verify", "--model", folder.toString());
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
            "300");
    assertThat(listed.out().lines().filter(line -> line.matches(" *\\d+ +-\\d\\.\\d{5}.*")))
        .hasSize(3);
    String copy = folder.resolve("copy").toString();
    ok("convert", "--from", model, "--to", copy, "--dtype", "bf16", "--shard-size", "10000");
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
    Path ids = folder.resolve("ids.npy");
    ByteBuffer npy = ByteBuffer.allocate(128 + 8 * bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    npy.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
    String header =
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1, " + bytes.length + "), }";
    npy.put(
        (header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII));
    for (byte b : bytes) {
      npy.putLong(b & 0xff);
    }
    Files.write(ids, npy.array());
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
    assertThat(ok("info", out).out()).contains("0 retention, 12 attention", "6 heads");
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
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --chunk 0 --out F/y.npy | 0",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --form parallel --chunk 4 --out F/y.npy | --chunk",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --form sideways --out F/y.npy | sideways",
        "logits --model G/fla-f32 --ids G/fla-f32/input_ids.npy --threads 0 --out F/y.npy | thread",
        "generate --model G/fla-f32 --prompt hello | vocabulary",
        "generate --model G/fla-f32 --prompt ! --temperature -1 | temperature",
        "generate --model G/fla-f32 --prompt ! --top-p 0 | topP",
        "generate --model G/fla-hybrid --prompt !!!!!!!! --cache-limit 4 | at most 4",
        "perplexity --model G/fla-f32 nothing.txt | nothing.txt",
        "create --shape 3b --out F/x | 125m",
        "create --shape 125m --dtype i64 --out F/x | I64",
        "create --shape 125m --out G/fla-f32 | without a checkpoint",
        "convert --from G/torchscale-f32 --to F/x --family fla | rotate",
        "convert --from G/fla-f32 --to F/x --shard-size 0 | shard-size",
        "info nowhere | nowhere",
        "bench --nonsense | nonsense"
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
