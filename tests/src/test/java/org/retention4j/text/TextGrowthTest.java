package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a tokenizer makes of a text may be many times as long, and the native library ends the
 * virtual machine where memory does. So a text may be the shorter the more it can grow.
 */
class TextGrowthTest {
  /** Chars, of three bytes each, where nothing grows. */
  private static final int LONGEST = 1 << 22;

  private static final Percentage ROUNDED = Percentage.withPercentage(0.01);

  /** One character of three bytes, which NFKC and NFKD make 18 of, with 33 bytes. */
  private static final String PHRASE = "\uFDFA";

  @TempDir private Path folder;

  private JsonTokenizer open(String parts) throws IOException {
    String json =
        "{" + parts + ",'model':{'type':'WordLevel','vocab':{'a':0,'u':1},'unk_token':'u'}}";
    return JsonTokenizer.open(
        Files.writeString(folder.resolve("tokenizer.json"), json.replace('\'', '"')), 100);
  }

  private static String normalizers(String names) {
    StringBuilder json = new StringBuilder();
    for (String name : names.split(" ")) {
      String part =
          switch (name) {
            case "Bert" ->
                "'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
                    + "'strip_accents':null,'lowercase':true";
            case "Chinese" ->
                "'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
                    + "'strip_accents':false,'lowercase':false";
            case "Phrase" -> "'type':'Replace','pattern':{'String':'b'},'content':'" + PHRASE + "'";
            case "Hundred" ->
                "'type':'Replace','pattern':{'String':'b'},'content':'" + "x".repeat(99) + "'";
            case "Mark" -> "'type':'Replace','pattern':{'String':' '},'content':'▁'";
            case "Prepend" -> "'type':'Prepend','prepend':'▁'";
            default -> "'type':'" + name + "'";
          };
      json.append(json.length() == 0 ? "" : ",").append('{').append(part).append('}');
    }
    return "'normalizer':{'type':'Sequence','normalizers':[" + json + "]}";
  }

  /** By the Unicode database: the most bytes in UTF-8 that a part makes of three. */
  @ParameterizedTest
  @CsvSource({
    "NFKC, 33",
    "NFKD, 33",
    "NFD, 9",
    "NFC, 9",
    "StripAccents, 3",
    "Lowercase, 3",
    "Mark, 3",
    "Prepend, 6",
    "Prepend Mark, 6",
    "Hundred, 99",
    "ByteLevel, 6",
    "Chinese, 5",
    "Bert, 9",
    // What was taken apart is not taken apart again, in capital letters or small ones.
    "NFKC NFKC, 33",
    "NFKD NFKC NFC NFD, 33",
    "NFC NFD NFKD, 33",
    "NFD StripAccents NFKC Nmt NFKC, 33",
    // 18 characters of at most three bytes.
    "NFKC Mark, 54",
    // b becomes the phrase, the phrase its letters.
    "Phrase NFKC, 33",
    // Of four characters each could be the phrase then.
    "NFC Phrase NFKD, 132",
    "NFKC ByteLevel, 66"
  })
  void aTextMayBeTheShorterTheMoreItCanGrow(String names, int bytesOfThree) throws IOException {
    try (JsonTokenizer tokenizer = open(normalizers(names))) {
      assertThat(tokenizer.longestText()).isCloseTo(LONGEST / bytesOfThree * 3, ROUNDED);
      for (String unit : new String[] {PHRASE, "b", "\u0958"}) {
        assertThatIllegalArgumentException()
            .as(unit)
            .isThrownBy(() -> tokenizer.encode(unit.repeat(LONGEST + 1)))
            .withMessageContainingAll(
                "expected at most " + tokenizer.longestText() + " characters",
                "got " + (LONGEST + 1),
                "tokenizer.json");
      }
    }
  }

  /** Each of which grew by itself within bounds. */
  @ParameterizedTest
  @ValueSource(strings = {"NFKC Phrase NFKC", "Hundred NFKC Hundred", "Phrase NFKD ByteLevel NFKC"})
  void refusesChainsThatExplode(String names) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(normalizers(names)).close())
        .withMessageContainingAll("lengthen a text at most 64 times", "tokenizer.json");
  }

  /** The native library took gigabytes for four million of them and was killed. */
  @ParameterizedTest
  @ValueSource(strings = {"NFKC", "NFKD"})
  void takesTheLongestTextThatGrowsMost(String form) throws IOException {
    try (JsonTokenizer tokenizer = open(normalizers(form))) {
      assertThat(tokenizer.encode(PHRASE.repeat(tokenizer.longestText()))).containsExactly(1);
    }
  }

  /** Characters between which nothing is left out may each get one more. */
  @Test
  void preTokenizersGrowToo() throws IOException {
    String each = "{'type':'Split','pattern':{'Regex':'.'},'behavior':'Isolated','invert':false}";
    String words = "{'type':'WhitespaceSplit'}";
    String mark = "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always'}";
    String bytes = "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}";
    assertThat(longest(each, mark)).isEqualTo(LONGEST / 2);
    assertThat(longest(words, mark)).isEqualTo(LONGEST);
    assertThat(longest(mark)).isEqualTo(LONGEST);
    assertThat(longest(mark.replace("always", "never"))).isEqualTo(LONGEST);
    assertThat(longest(bytes)).isEqualTo(LONGEST / 2);
    // A space before each of three bytes, all of which become two.
    assertThat(longest(each, bytes)).isCloseTo(LONGEST / 8 * 3, ROUNDED);
  }

  private int longest(String... parts) throws IOException {
    String sequence = "{'type':'Sequence','pretokenizers':[" + String.join(",", parts) + "]}";
    try (JsonTokenizer tokenizer = open("'pre_tokenizer':" + sequence)) {
      return tokenizer.longestText();
    }
  }

  /** It aborts where a regular expression takes more than ten million steps. */
  @Test
  void theSpacesThatByteLevelSplitsAtAreCounted() throws IOException {
    String three = "{'type':'Replace','pattern':{'String':'b'},'content':'   '}";
    String bytes = "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true}";
    try (JsonTokenizer tokenizer = open("'normalizer':" + three + ",'pre_tokenizer':" + bytes)) {
      String text = "b".repeat(Math.min(tokenizer.longestText(), LONGEST)) + "a";
      assertThat(text).hasSizeLessThan(8_000_000 / 3);
      assertThat(tokenizer.encode(text.substring(1))).isNotEmpty();
    }
  }

  @Test
  void aTemplateMayGiveATextSeveralTimes() throws IOException {
    String sequence = "{'Sequence':{'id':'A','type_id':0}}";
    String times = (sequence + ",").repeat(7) + sequence;
    String pair = sequence + "," + sequence.replace("'A'", "'B'");
    String template =
        "'post_processor':{'type':'TemplateProcessing','special_tokens':{},'single':[%s],"
            + "'pair':["
            + pair
            + "]}";
    try (JsonTokenizer tokenizer = open(template.formatted(times))) {
      assertThat(tokenizer.encode("a")).hasSize(8);
      assertThat(tokenizer.longestText()).isEqualTo(LONGEST / 8);
    }
    try (JsonTokenizer tokenizer = open(template.formatted(sequence))) {
      assertThat(tokenizer.longestText()).isEqualTo(LONGEST);
    }
    String tooOften = (sequence + ",").repeat(62) + sequence;
    open(template.formatted(tooOften)).close();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(normalizers("NFD") + "," + template.formatted(tooOften)).close())
        .withMessageContaining("post_processor");
  }

  /** The text of an unknown token is held once for each character that is unknown. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'type':'WordLevel'",
        "'type':'BPE','merges':[]",
        "'type':'WordPiece','continuing_subword_prefix':'##','max_input_chars_per_word':9"
      })
  void anUnknownTokenIsShort(String model) throws IOException {
    String unknown = "u".repeat(65);
    String json = "{'model':{" + model + ",'vocab':{'a':0,'" + unknown + "':1},'unk_token':'";
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, (json + unknown + "'}}").replace('\'', '"'));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(file, 100).close())
        .withMessageContainingAll("at most 64 characters for model.unk_token", file.toString());
  }

  /** It is normalized as a text is. */
  @Test
  void anAddedTokenIsNoLongerThanATextMayBe() {
    String token = "{'id':2,'content':'" + PHRASE.repeat(LONGEST / 11 + 1) + "'";
    for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
      token += ",'" + flag + "':" + flag.equals("normalized");
    }
    String added = "'added_tokens':[" + token + "}]";
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(added + "," + normalizers("NFKC")).close())
        .withMessageContainingAll("added_tokens[0]", "at most 381300 characters");
  }
}
