package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;

/** Configurations with all their keys, and the Transformer that each has beside it. */
class ConfigurationTest {
  @TempDir private Path folder;

  private Configuration read(String keys) throws IOException {
    Path file = folder.resolve("shape.json");
    return Configuration.read(Files.writeString(file, ("{" + keys + "}").replace('\'', '"')));
  }

  private Configuration fla(String keys) throws IOException {
    return read("'model_type':'retnet','num_hidden_layers':3," + keys);
  }

  @Test
  void keepsKeysThatNobodyKnows() throws IOException {
    Configuration configuration = fla("'hidden_size':256,'torch_dtype':'float32','mine':[1]");
    ((ObjectNode) configuration.json()).remove("mine"); // A copy.
    assertThat(configuration.json().get("mine").get(0).intValue()).isEqualTo(1);
    assertThat(configuration.json(DType.BF16).get("torch_dtype").textValue()).isEqualTo("bfloat16");
    assertThat(configuration.json().get("torch_dtype").textValue()).isEqualTo("float32");
    assertThat(configuration.decoder().modelWidth()).isEqualTo(256);
  }

  @Test
  void refusesWhatIsNotFlas() {
    String torchscale =
        "'decoder_embed_dim':64,'decoder_value_embed_dim':96,'decoder_retention_heads':4,"
            + "'decoder_ffn_embed_dim':80,'decoder_layers':3,'vocab_size':70";
    assertThatIllegalArgumentException()
        .isThrownBy(() -> read(torchscale))
        .withMessageContaining("fla's format cannot express");
  }

  /**
   * Retention of widths D and 2D has 8D² weights, attention 4D²; a feed-forward has 3DI. So the
   * Transformer's is wider by 4D/3, in multiples of 64 if it has so many.
   */
  @ParameterizedTest
  @CsvSource({
    "256, 4, 512, 2, 832",
    "256, 4, 491, 2, 832",
    "256, 4, 490, 2, 768",
    "384, 4, 512, 3, 1024",
    "96, 3, 20, 3, 128",
    "12, 2, 48, 2, 64",
    "8, 2, 5, 2, 15"
  })
  void theTransformerHasAsManyWeights(int d, int heads, int hidden, int queries, int wider)
      throws IOException {
    String keys = String.format("'hidden_size':%d,'num_heads':%d", d, heads);
    Configuration retNet = fla(keys + ",'mine':7,'intermediate_size':" + hidden);
    Configuration transformer = retNet.transformer();
    assertThat(transformer.decoder().layers())
        .hasSize(3)
        .allSatisfy(
            layer -> {
              assertThat(layer.hidden()).isEqualTo(wider);
              assertThat(layer.mixer()).isEqualTo(AttentionConfig.multiHead(d, queries));
            });
    JsonNode json = transformer.json();
    assertThat(json.at("/attn/layers")).extracting(JsonNode::intValue).containsExactly(0, 1, 2);
    assertThat(json.get("mine").intValue()).isEqualTo(7);
    assertThat(retNet.json().has("attn")).isFalse();
  }

  /** The layer to replace is the first that retains. */
  @Test
  void aHybridBecomesATransformerToo() throws IOException {
    String keys = "'hidden_size':96,'num_heads':3,'intermediate_size':20";
    assertThat(fla(keys + ",'attn':{'layers':[0],'num_heads':2}").transformer().decoder())
        .isEqualTo(fla(keys).transformer().decoder());
    Configuration none = fla(keys + ",'attn':{'layers':[0,1,2],'num_heads':2}");
    assertThatIllegalArgumentException()
        .isThrownBy(none::transformer)
        .withMessageContainingAll("a retention layer to replace", "shape.json");
  }

  /** Narrow retention has 4·64·8 weights, attention 4·64²: 75 wide is 1 too little. */
  @Test
  void thereIsNoTransformerOfTooFewWeights() throws IOException {
    String keys =
        "'hidden_size':64,'num_heads':2,'expand_k':0.125,'expand_v':0.125,"
            + "'use_output_gate':false,'intermediate_size':";
    LayerConfig least = fla(keys + 76).transformer().decoder().layers().get(0);
    assertThat(least.hidden()).isEqualTo(1);
    Configuration less = fla(keys + 75);
    assertThatIllegalArgumentException()
        .isThrownBy(less::transformer)
        .withMessageContaining("more weights than attention alone");
  }
}
