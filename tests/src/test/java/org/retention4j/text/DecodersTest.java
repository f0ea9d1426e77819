package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Chains of decoders that no published file has: what is shown token by token is the text of all
 * tokens, or the file is refused.
 */
class DecodersTest {
  private static final int ROUNDS = 1000;

  /** Tokens behind 256 that stand for bytes. */
  private static final List<String> WORDS =
      List.of(
          "▁", "▁▁", "a", "▁a", "b", " ", "  ", "##b", ".", "a b", "x</w>", "</w>", "\uFFFD", "é",
          "日", "Ġ", "Ġa", "q", "<0x", "41>", "▁▁▁a", "   a");

  @TempDir private Path folder;

  private JsonTokenizer open(String decoders, List<String> words) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = mapper.createObjectNode();
    ObjectNode model = json.putObject("model").put("type", "WordLevel").put("unk_token", "q");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int value = 0; value < 256; value++) {
      vocabulary.put(String.format(Locale.ROOT, "<0x%02X>", value), value);
    }
    words.forEach(word -> vocabulary.put(word, vocabulary.size()));
    json.set("decoder", mapper.readTree(sequence(decoders)));
    Path file = folder.resolve("tokenizer.json");
    return JsonTokenizer.open(Files.writeString(file, json.toString()), 1000);
  }

  /** Writes short names in full: S2 strips two spaces, R:a:b replaces a by b. */
  private static String sequence(String names) {
    StringBuilder json = new StringBuilder();
    for (String name : names.split("\\|")) {
      String[] words = (name + ":-").split(":");
      String part =
          switch (words[0]) {
            case "R" -> replace("String", words);
            case "X" -> replace("Regex", words);
            case "S" -> "'Strip','content':' ','start':" + words[1] + ",'stop':0";
            case "BPE" -> "'BPEDecoder','suffix':'" + words[1].replace("-", "") + "'";
            case "WordPiece" -> "'WordPiece','prefix':'##','cleanup':true";
            case "CTC" -> "'CTC','pad_token':'b','word_delimiter_token':'a','cleanup':true";
            case "Metaspace" -> "'Metaspace','replacement':'" + words[1].replace("-", "▁") + "'";
            case "ByteLevel" -> "'ByteLevel','add_prefix_space':false,'trim_offsets':true";
            default -> "'" + words[0] + "'";
          };
      json.append(json.length() == 0 ? "" : ",").append("{'type':").append(part).append('}');
    }
    return ("{'type':'Sequence','decoders':[" + json + "]}").replace('\'', '"');
  }

  private static String replace(String kind, String... words) {
    String content = words[2].replace("-", "");
    return "'Replace','pattern':{'" + kind + "':'" + words[1] + "'},'content':'" + content + "'";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ByteFallback",
        "Fuse",
        "ByteLevel",
        "BPE:</w>",
        "BPE:</w>|Fuse",
        "WordPiece",
        "WordPiece|Fuse",
        "Metaspace",
        "Metaspace|ByteFallback",
        "Metaspace|ByteFallback|Fuse",
        "R:▁: |ByteFallback|Fuse|S:1",
        "R:▁: |ByteFallback|S:1",
        "R:a:zz|ByteFallback",
        "R:a:|R:b:a|ByteFallback|Fuse",
        "ByteFallback|Fuse|R:a:bcd",
        "ByteFallback|R:▁: |Fuse|S:1",
        "Fuse|R:▁: |S:1",
        "ByteFallback|Fuse|R:é:",
        "ByteLevel|R:a:b",
        "R:Ġ: |ByteLevel",
        "X:a+:b",
        "X:^▁: |S:2",
        "S:2|WordPiece",
        "S:2|ByteLevel",
        "S:5",
        "R:a:"
      })
  void piecesAddUp(String decoders) throws IOException {
    try (JsonTokenizer tokenizer = open(decoders, WORDS)) {
      for (int seed = 0; seed < ROUNDS; seed++) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] tokens = random.ints(1 + random.nextInt(24), 0, 256 + WORDS.size() + 2).toArray();
        for (int i = 0; i < tokens.length; i++) {
          // Bytes are more than the others, and mostly characters.
          tokens[i] = random.nextInt(3) > 0 ? 256 + tokens[i] % WORDS.size() : tokens[i];
        }
        if (random.nextInt(3) == 0) {
          int[] sign = {0xE2, 0x96, 0x81, 0x20, 0x20, 0xC3, 0xA9, 0x61};
          int from = random.nextInt(sign.length);
          tokens = Arrays.copyOf(tokens, tokens.length + sign.length - from);
          System.arraycopy(
              sign, from, tokens, tokens.length - sign.length + from, sign.length - from);
        }
        StreamingFuzzTest.assertAddsUp(tokenizer, tokens, random, decoders + ", seed " + seed);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "BPE:; decoder.decoders[0].suffix; at least one character",
        "BPE:w; decoder.decoders[0].suffix; at the end of tokens only",
        "R:▁: |BPE:</w>; decoder.decoders[1]; before all other",
        "BPE:</w>|R:a:b; decoder.decoders[1]; but Fuse",
        "BPE:</w>|S:1; decoder.decoders[1]; but Fuse",
        "Fuse|BPE:</w>; decoder.decoders[1]; before all other",
        "CTC; decoder.decoders[0]; CTC",
        "Fuse|ByteFallback; decoder.decoders[1]; before those that join",
        "Fuse|ByteLevel; decoder.decoders[1]; before those that join",
        "ByteFallback|ByteFallback; decoder.decoders[1]; before those that join",
        "ByteFallback|Metaspace; decoder.decoders[1]; before those that join",
        "Fuse|WordPiece; decoder.decoders[1]; before those that join",
        "R:0:1|ByteFallback; decoder.decoders[1]; no text or other byte of a byte",
        "R:0x:|ByteFallback; decoder.decoders[1]; no text or other byte of a byte",
        "R:q:<0x41>|ByteFallback; decoder.decoders[1]; no byte of a text",
        "R:q:r|R:r:<0xE2>|ByteFallback; decoder.decoders[2]; as they do of q",
        "R:<:{|ByteFallback; decoder.decoders[1]; other byte of a byte",
        "X:▁: |ByteFallback; decoder.decoders[1]; not Replace of a regular expression",
        "Metaspace:0|ByteFallback; decoder.decoders[1]; other byte of a byte",
        "S:1|ByteFallback; decoder.decoders[1]; not Strip",
        "WordPiece|ByteFallback; decoder.decoders[1]; not WordPiece",
        "ByteFallback|Fuse|S:2; decoder.decoders[2].start; at most 1",
        "Fuse|R:a b:c; decoder.decoders[1]; a pattern of one character",
        "ByteFallback|R:ab:c; decoder.decoders[1]; a pattern of one character",
        "ByteLevel|X:a:c; decoder.decoders[1]; a pattern of one character",
        "ByteLevel|R:\uFFFD:; decoder.decoders[1]; not U+FFFD"
      })
  void refusesWhatDecodesOtherwiseTokenByToken(String decoders, String key, String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(decoders, WORDS).close())
        .withMessageContainingAll(key + " in ", reason, folder.toString(), "expected");
  }

  @Test
  void refusesBytesWithoutThoseOfTheReplacement() throws IOException {
    Path file = folder.resolve("tokenizer.json");
    String json =
        "{'decoder':{'type':'ByteFallback'},'model':{'type':'WordLevel','unk_token':'a',"
            + "'vocab':{'a':0,'<0x41>':1,'<0xE2>':2}}}";
    Files.writeString(file, json.replace('\'', '"'));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(file, 10).close())
        .withMessageContainingAll("tokens for all bytes", "<0xEF>", "decoder in " + file);
    Files.writeString(file, json.replace("<0xE2>", "b").replace('\'', '"'));
    try (JsonTokenizer tokenizer = JsonTokenizer.open(file, 10)) {
      assertThat(tokenizer.decode(new int[] {1, 2, 1})).isEqualTo("AbA");
    }
  }
}
