package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that look at checkpoints and make them: info, create, convert, and logits' ids. */
class CheckpointCommandsTest {
  private static final Path GOLDEN = Path.of("../tests/src/test/resources/golden/model");

  private static final ObjectMapper MAPPER = new ObjectMapper();

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

  private static String refused(String... args) {
    Result result = run(args);
    assertThat(result.code()).as(result.errors()).isEqualTo(2);
    assertThat(result.errors().strip().lines()).hasSize(1);
    return result.errors();
  }

  private static String golden(String model) {
    return GOLDEN.resolve(model).toString();
  }

  private Path json(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text.replace('\'', '"'));
  }

  private static JsonNode config(Path model) throws IOException {
    return MAPPER.readTree(model.resolve("config.json").toFile());
  }

  /** What changes the mathematics is shown, for each shape of layer. */
  @Test
  void infoShowsTheKeysOfTheMathematics() throws IOException {
    Path shape =
        json(
            "shape.json",
            "{'model_type':'retnet','hidden_size':64,'num_heads':4,'num_kv_heads':2,'expand_k':0.5,"
                + "'expand_v':1.5,'num_hidden_layers':4,'intermediate_size':80,'norm_eps':1e-5,"
                + "'feature_map':'relu','use_output_gate':false,'elementwise_affine':false,"
                + "'tie_word_embeddings':true,'vocab_size':300,'bos_token_id':7,"
                + "'eos_token_id':[8,9],'attn':{'layers':[1,2],'num_heads':2,'window_size':512,"
                + "'qkv_bias':true,'rope_theta':50000}}");
    String model = folder.resolve("model").toString();
    ok("create", "--shape", shape.toString(), "--out", model);
    String info = ok("info", model, "--length", "2000").out();
    assertThat(info)
        .contains("4: 2 retention, 2 attention", "layer 0,3 ", "layer 1-2 ")
        .contains("4 heads (2 key/value)", "K 8 (expand_k 0.5)", "V 24 (expand_v 1.5)")
        .contains("gate off", "feature map relu", "pow2 decay", "half rotation of base 10000")
        .contains("head norm without a weight, eps 1.0E-5", "norm eps               1.0E-5")
        .contains("width 80, gated by silu", "300, output matrix tied", "times 1, no norm")
        .contains("2 heads (2 key/value) of 32, rotation of base 50000, window 512", "bias on")
        .contains("7, 8 or 9");
    // Two layers of 2·64 elements for 512 of 2000 tokens.
    assertThat(info).contains("524.29 kB in fp32", "262.14 kB in bf16");
    // Two layers, 4 heads of 8 x 24 and 16 waiting keys and values.
    assertThat(info).contains("state per sequence     22.53 kB in fp32");
    assertThat(ok("info", golden("torchscale-f32")).out())
        .contains(
            "interleaved rotation", "scale on the keys", "output normalised", "gated by gelu");
  }

  /** A BF16 file; how close these are to what loading takes is tested beside the library. */
  @Test
  void infoShowsTheMemoryOfEveryType() {
    String info = ok("info", golden("fla-bf16")).out();
    assertThat(info.lines().filter(line -> line.startsWith("weights as ")))
        .hasSize(4)
        .allMatch(line -> line.endsWith(" in memory"));
    assertThat(bytes(info, "weights as file")).isEqualTo(bytes(info, "weights as bf16"));
    // Twice, but for what either pads small matrices with: a seventh on processors with AVX2 only.
    assertThat(bytes(info, "weights as fp32") / bytes(info, "weights as bf16")).isBetween(1.9, 2.3);
    assertThat(bytes(info, "weights as int8") / bytes(info, "weights as bf16")).isBetween(0.5, 0.8);
  }

  private static double bytes(String info, String name) {
    Matcher matcher = Pattern.compile(name + " +([0-9.]+) ([kM])B").matcher(info);
    assertThat(matcher.find()).isTrue();
    return Double.parseDouble(matcher.group(1)) * (matcher.group(2).equals("k") ? 1e3 : 1e6);
  }

  /** Numbers are written alike whatever the user's language. */
  @Test
  void numbersDoNotDependOnTheLanguage() {
    Locale before = Locale.getDefault();
    String english = ok("info", golden("fla-hybrid")).out();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertThat(ok("info", golden("fla-hybrid")).out()).isEqualTo(english);
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat(ok("info", golden("fla-hybrid")).out()).isEqualTo(english);
    } finally {
      Locale.setDefault(before);
    }
  }

  @ParameterizedTest
  @CsvSource({"'torch_dtype', float16", "'dtype', float16", "'other', float16"})
  void createKeepsEveryKey(String typeKey, String type) throws IOException {
    ObjectNode given =
        (ObjectNode)
            MAPPER.readTree(
                ("{'model_type':'retnet','hidden_size':32,'num_heads':2,'num_hidden_layers':1,"
                        + "'vocab_size':50,'bos_token_id':11,'eos_token_id':[3,4],"
                        + "'pad_token_id':null,'fuse_norm':false,'nobody_knows':{'a':[1]},"
                        + "'hidden_ratio':null}")
                    .replace('\'', '"'));
    if (!typeKey.equals("other")) {
      given.put(typeKey, "float32");
    }
    Path shape = json("shape.json", given.toString());
    Path model = folder.resolve("model");
    ok("create", "--shape", shape.toString(), "--out", model.toString(), "--dtype", "f16");
    given.put(typeKey.equals("other") ? "torch_dtype" : typeKey, type);
    assertThat(config(model)).isEqualTo(given);
    ok("info", model.toString());
  }

  /** The table of the paper's sizes, from a configuration file instead of a name. */
  @ParameterizedTest
  @CsvSource({"768, 3, 1024, 6, 2048", "1024, 4, 1536, 8, 2880"})
  void createMakesTheTransformerOfAConfiguration(
      int width, int heads, int hidden, int attentionHeads, int attentionHidden)
      throws IOException {
    Path shape =
        json(
            "shape.json",
            "{'model_type':'retnet','num_hidden_layers':2,'vocab_size':50,'bos_token_id':11,"
                + "'hidden_size':"
                + width
                + ",'num_heads':"
                + heads
                + ",'intermediate_size':"
                + hidden
                + "}");
    Path model = folder.resolve("model");
    ok("create", "--shape", shape.toString(), "--transformer", "--out", model.toString());
    JsonNode config = config(model);
    assertThat(config.get("bos_token_id").intValue()).isEqualTo(11);
    assertThat(config.get("num_heads").intValue()).isEqualTo(heads);
    assertThat(config.get("intermediate_size").intValue()).isEqualTo(attentionHidden);
    assertThat(config.get("attn").get("layers").toString()).isEqualTo("[0,1]");
    assertThat(config.get("attn").get("num_heads").intValue()).isEqualTo(attentionHeads);
    assertThat(ok("info", model.toString()).out()).contains("0 retention, 2 attention");
  }

  @Test
  void createRefusesAnotherFamilysConfiguration() {
    String shape = golden("torchscale-f32") + "/config.json";
    assertThat(refused("create", "--shape", shape, "--out", folder.resolve("x").toString()))
        .contains("cannot express");
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({"expand_v, 600000", "intermediate_size, 2147483647"})
  void createRefusesRowsThatAreTooLong(String key, String value) throws IOException {
    String keys = "{'model_type':'retnet','hidden_size':4096,'" + key + "':" + value + "}";
    Path shape = json("shape.json", keys);
    assertThat(refused("create", "--shape", shape.toString(), "--out", folder + "/x"))
        .contains("too large", "proj.weight");
    assertThat(folder.resolve("x")).doesNotExist();
  }

  /** A token that is none is refused with its place, before weights are loaded. */
  @ParameterizedTest
  @CsvSource({"4294967297", "97", "-1", "-9223372036854775808"})
  void logitsNamesTheIdThatIsNoToken(long id) throws IOException {
    ByteBuffer npy = ByteBuffer.allocate(128 + 16).order(ByteOrder.LITTLE_ENDIAN);
    npy.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
    String header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }";
    npy.put(String.format("%-117s\n", header).getBytes(StandardCharsets.US_ASCII));
    npy.putLong(5).putLong(id);
    Path ids = Files.write(folder.resolve("ids.npy"), npy.array());
    String out = folder.resolve("y.npy").toString();
    assertThat(
            refused("logits", "--model", golden("fla-f32"), "--ids", ids.toString(), "--out", out))
        .contains("0..96", "got " + id + " at [0, 1]");
    assertThat(folder.resolve("y.npy")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({"{", "{}", "[]", "{\"version\":\"1.0\"}", "nonsense"})
  void aTokenizerThatIsNoneIsBadInput(String content) throws IOException {
    for (String file : java.util.List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve("fla-f32").resolve(file), folder.resolve(file));
    }
    Files.writeString(folder.resolve("tokenizer.json"), content);
    assertThat(refused("generate", "--model", folder.toString(), "--prompt", "a"))
        .contains("tokenizer.json");
  }
}
