package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a tokenizer.json may say. Each refusal here is of a file that the native library reads and
 * aborts at, now or at some text, or understands as something else than it says.
 */
class TokenizerGrammarTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static final String WORDS =
      "{'version':'1.0','added_tokens':[],'model':{'type':'WordLevel','vocab':{'a':0,'u':1},"
          + "'unk_token':'u'}}";

  @TempDir private Path folder;

  private Path write(String json) throws IOException {
    return Files.writeString(folder.resolve("tokenizer.json"), json);
  }

  private JsonTokenizer open(String json) throws IOException {
    return JsonTokenizer.open(write(json), 100);
  }

  private JsonTokenizer with(String key, String value) throws IOException {
    ObjectNode json = (ObjectNode) MAPPER.readTree(WORDS.replace('\'', '"'));
    json.set(key, MAPPER.readTree(value.replace('\'', '"')));
    return open(json.toString());
  }

  private void refuses(String key, String value, String... message) {
    assertThatIllegalArgumentException()
        .as(value)
        .isThrownBy(() -> with(key, value).close())
        .withMessageContaining(folder.resolve("tokenizer.json").toString())
        .withMessageContainingAll(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // A second part that lacks the prefix it would lose.
        "{'type':'BPE','continuing_subword_prefix':'##','vocab':{'a':0,'b':1,'ab':2},'merges':['a b']}"
            + "|model.merges[0]|##",
        "{'type':'BPE','vocab':{'a':0,'b':1},'merges':[['a','b']]}|model.merges[0]|no ab",
        "{'type':'BPE','vocab':{'a':0,'b':1,'ab':2},'merges':['a b c']}|model.merges[0]|a space",
        "{'type':'BPE','vocab':{'a':0,'b':1,'ab':2},'merges':[['a','b'],'a b']}|model.merges[1]|two",
        "{'type':'BPE','dropout':0.1,'vocab':{'a':0},'merges':[]}|model.dropout|null or 0",
        "{'type':'BPE','vocab':{'a':0}}|the key merges in model|none",
        "{'type':'BPE','vocab':['a'],'merges':[]}|model.vocab|an object",
        "{'type':'WordLevel','vocab':{'a':0,'b':0},'unk_token':'a'}|model.vocab.b|no other token has",
        "{'type':'WordLevel','vocab':{'a':4294967295},'unk_token':'a'}|model.vocab.a|an integer in 0..",
        "{'type':'WordLevel','vocab':{'a':-1},'unk_token':'a'}|model.vocab.a|-1",
        "{'type':'WordLevel','vocab':{'a':1.0},'unk_token':'a'}|model.vocab.a|1.0",
        "{'type':'WordLevel','vocab':{'a':'0'},'unk_token':'a'}|model.vocab.a|'0'",
        "{'type':'WordLevel','vocab':{'a':0}}|unk_token in model|none",
        "{'type':'WordLevel','vocab':{'a':0},'unk_token':'a','cased':true}|no keys but|cased",
        "{'type':'WordPiece','vocab':{'a':0},'unk_token':'a','continuing_subword_prefix':'##',"
            + "'max_input_chars_per_word':1000000}|model.max_input_chars_per_word|0..1000",
        "{'type':'Unigram','vocab':[],'unk_id':null}|model.vocab|at least one token",
        "{'type':'Unigram','vocab':[['a',0.0]],'unk_id':1}|model.unk_id|0..0",
        "{'type':'Unigram','vocab':[['a','b']],'unk_id':0}|model.vocab[0]|a token and its score",
        "{'type':'Unigram','vocab':[['a',1e999]],'unk_id':0}|model.vocab[0]|a token and its score",
        "{'type':'Tree','vocab':{}}|model.type|BPE, WordPiece, WordLevel or Unigram",
        "[]|model|an object"
      })
  void refusesModels(String model, String key, String reason) {
    refuses("model", model, key, reason.replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // What matches nothing is put between characters, behind which alignment ends.
        "{'type':'Replace','pattern':{'String':''},'content':'x'}|at least one character",
        "{'type':'Replace','pattern':{'Regex':'a*'},'content':'x'}|at least one character",
        "{'type':'Replace','pattern':{'Regex':'(?=a)'},'content':'x'}|at least one character",
        "{'type':'Replace','pattern':{'Regex':'(a'},'content':'x'}|regular expression",
        "{'type':'Replace','pattern':{},'content':'x'}|the key Regex in normalizer.pattern",
        "{'type':'Prepend','prepend':''}|normalizer.prepend",
        "{'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'NFX'}]}|normalizer.normalizers[1].type",
        "{'type':'BertNormalizer','clean_text':true}|handle_chinese_chars in normalizer",
        "{'type':'Strip','strip_left':1,'strip_right':true}|normalizer.strip_left",
        "{'type':'NFC','form':'D'}|form",
        "{'normalizers':[]}|the key type in normalizer",
        "'NFC'|an object for normalizer"
      })
  void refusesNormalizers(String normalizer, String reason) {
    refuses("normalizer", normalizer, reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'type':'FixedLength','length':0}|pre_tokenizer.length",
        "{'type':'Split','pattern':{'Regex':'(a+)+$'},'behavior':'Isolated','invert':false}"
            + "|pre_tokenizer.pattern.Regex",
        "{'type':'Split','pattern':{'String':' '},'behavior':'Cut','invert':false}"
            + "|pre_tokenizer.behavior",
        "{'type':'CharDelimiterSplit','delimiter':'ab'}|one character for pre_tokenizer.delimiter",
        "{'type':'Metaspace','replacement':''}|one character",
        "{'type':'Metaspace','replacement':'_','add_prefix_space':false,'prepend_scheme':'always'}"
            + "|pre_tokenizer.add_prefix_space",
        "{'type':'ByteLevel','add_prefix_space':true}|trim_offsets",
        "{'type':'Jieba'}|pre_tokenizer.type"
      })
  void refusesPreTokenizers(String preTokenizer, String reason) {
    refuses("pre_tokenizer", preTokenizer, reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "[{'SpecialToken':{'id':'<s>','type_id':0}},{'Sequence':{'id':'A','type_id':0}}]|{}"
            + "|post_processor.single[0].SpecialToken.id",
        "[{'Sequence':{'id':'B','type_id':0}}]|{}|post_processor.single[0].Sequence.id",
        "[]|{}|the sequence A for post_processor.single",
        "[{'Sequence':{'id':'A','type_id':0}}]|{'s':{'id':'s','ids':[1,2],'tokens':['s']}}"
            + "|post_processor.special_tokens.s",
        "[{'Sequence':{'id':'A','type_id':0}}]|{'s':{'id':'s','ids':[],'tokens':[]}}"
            + "|post_processor.special_tokens.s",
        "[{'Sequence':{'id':'A','type_id':-1}}]|{}|post_processor.single[0].Sequence.type_id"
      })
  void refusesTemplates(String single, String special, String reason) {
    refuses("post_processor", template(single, special), reason);
  }

  private static String template(String single, String special) {
    return "{'type':'TemplateProcessing','single':"
        + single
        + ",'pair':[{'Sequence':{'id':'A','type_id':0}},{'Sequence':{'id':'B','type_id':1}}],"
        + "'special_tokens':"
        + special
        + "}";
  }

  /** The library has no way to go on after a second one. */
  @Test
  void refusesTwoProcessorsThatAddTokens() {
    String one = template("[{'Sequence':{'id':'A','type_id':0}}]", "{}");
    String inner = "{'type':'Sequence','processors':[" + one + "]}";
    refuses(
        "post_processor",
        "{'type':'Sequence','processors':[" + one + "," + inner + "]}",
        "at most one processor");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'type':'Strip','content':' ','start':0,'stop':1}|decoder.stop",
        "{'type':'Strip','content':'  ','start':1,'stop':0}|decoder.content",
        "{'type':'Sequence','decoders':[{'type':'Fuse'},{'type':'Melt'}]}|decoder.decoders[1].type",
        "{'type':'WordPiece','prefix':'##'}|cleanup in decoder"
      })
  void refusesDecoders(String decoder, String reason) {
    refuses("decoder", decoder, reason);
  }

  private static String added(int id, String content, String... flags) {
    StringBuilder json = new StringBuilder("{'id':" + id + ",'content':'" + content + "'");
    for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
      json.append(",'").append(flag).append("':").append(java.util.List.of(flags).contains(flag));
    }
    return json.append('}').toString();
  }

  @Test
  void refusesAddedTokens() {
    refuses("added_tokens", "[" + added(2, "") + "]", "added_tokens[0].content");
    refuses("added_tokens", "[" + added(1, "a") + "]", "added_tokens[0].id", "0, the number of a");
    refuses("added_tokens", "[" + added(7, "<s>") + "]", "added_tokens[0].id", "2, the number of");
    refuses(
        "added_tokens",
        "[" + added(2, "<s>") + "," + added(2, "<s>") + "]",
        "added_tokens[1].content",
        "not added before");
    // A token of spaces that looks back over spaces which another has taken already.
    refuses(
        "added_tokens",
        "[" + added(2, " ", "lstrip") + "," + added(3, "x", "rstrip") + "]",
        "added_tokens[0]",
        "lstrip and rstrip");
  }

  /** Nothing is found everywhere, within characters too. */
  @Test
  void refusesATokenOfWhichTheNormalizerLeavesNothing() throws IOException {
    ObjectNode json = (ObjectNode) MAPPER.readTree(WORDS.replace('\'', '"'));
    json.set("normalizer", MAPPER.readTree("{\"type\":\"StripAccents\"}"));
    String token = added(2, "\u0301", "normalized").replace('\'', '"');
    json.set("added_tokens", MAPPER.readTree("[" + token + "]"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(json.toString()).close())
        .withMessageContainingAll("added_tokens[0].content", "leaves something");
    String kept = added(2, "e\u0301", "normalized").replace('\'', '"');
    json.set("added_tokens", MAPPER.readTree("[" + kept + "]"));
    try (JsonTokenizer tokenizer = open(json.toString())) {
      assertThat(tokenizer.encode("e")).containsExactly(2);
    }
  }

  /** A trie whose first unit leads to 256 units from there; there are 512 in all. */
  private static String charsMap(int firstOffset, int leaf, byte[] texts) {
    ByteBuffer bytes =
        ByteBuffer.allocate(4 + 4 * 512 + texts.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(4 * 512);
    bytes.putInt(firstOffset << 10);
    for (int i = 1; i < 512; i++) {
      // 'A' lies at 256 ^ 'A', its leaf at that place again, by an offset of 'A'.
      boolean isA = i == (256 ^ 'A');
      bytes.putInt(isA ? 'A' << 10 | 0x100 | 'A' : i == 256 ? leaf | 1 << 31 : 0);
    }
    return Base64.getEncoder().encodeToString(bytes.put(texts).array());
  }

  private static String precompiled(String map) {
    return "{'type':'Precompiled','precompiled_charsmap':'" + map + "'}";
  }

  @Test
  void followsCompiledCharacterMapsBeforeTheLibraryDoes() throws IOException {
    byte[] texts = {'a', 0, (byte) 0xC3, (byte) 0xA9, 0};
    try (JsonTokenizer tokenizer = with("normalizer", precompiled(charsMap(256, 0, texts)))) {
      assertThat(tokenizer.encode("A")).containsExactly(0);
      assertThat(tokenizer.encode("B")).containsExactly(1);
    }
    String key = "normalizer.precompiled_charsmap";
    refuses("normalizer", precompiled(charsMap(512, 0, texts)), key, "offsets lie within");
    refuses("normalizer", precompiled(charsMap(256, 9, texts)), key, "texts begin within");
    refuses("normalizer", precompiled(charsMap(256, 3, texts)), key, "texts begin within");
    refuses("normalizer", precompiled(charsMap(256, 0, new byte[] {-1})), key, "UTF-8");
    refuses("normalizer", precompiled(""), key, "base 64");
    refuses("normalizer", precompiled("????"), key, "base 64");
    refuses("normalizer", precompiled("////////"), key, "base 64");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'version':'2.0','model':null}",
        "{'version':'1.0'}",
        "{'version':'1.0','version':'1.0'}",
        "{'model':NaN}",
        "{'model':{'type':'WordLevel','vocab':{'a':0},'unk_token':'a'}} x",
        "{'model':{'type':'WordLevel','vocab':{'\\ud800':0},'unk_token':'a'}}",
        "{'model':{'type':'WordLevel','vocab':{'a':0},'unk_token':'a'},'chat':null}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
      })
  void refusesWhatIsNoSuchFile(String json) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(json.replace('\'', '"')).close())
        .withMessageContaining(folder.resolve("tokenizer.json").toString())
        .withMessageNotContaining("Feature")
        .withMessageMatching("[^\n]*");
  }

  /** What is left out must be what it is, and longer than anybody pads. */
  @Test
  void truncationAndPaddingAreLeftOut() throws IOException {
    String truncation = "{'direction':'Left','max_length':1,'strategy':'OnlyFirst','stride':5}";
    try (JsonTokenizer tokenizer = with("truncation", truncation)) {
      assertThat(tokenizer.encode("a")).containsExactly(0);
    }
    refuses("truncation", truncation.replace("OnlyFirst", "Half"), "truncation.strategy");
    String padding =
        "{'strategy':{'Fixed':2000000000},'direction':'Right','pad_to_multiple_of':0,'pad_id':0,"
            + "'pad_type_id':0,'pad_token':'a'}";
    try (JsonTokenizer tokenizer = with("padding", padding)) {
      assertThat(tokenizer.encode("a")).containsExactly(0);
    }
    refuses("padding", padding.replace("Right", "Up"), "padding.direction");
  }

  @Test
  void aByteOrderMarkIsNoJson() throws IOException {
    try (JsonTokenizer tokenizer = open("\uFEFF" + WORDS.replace('\'', '"'))) {
      assertThat(tokenizer.encode("a")).containsExactly(0);
    }
  }

  /** As openai's and Google's first files are. */
  @Test
  void aModelWithoutATypeIsToldByItsKeys() throws IOException {
    try (JsonTokenizer tokenizer =
        with("model", "{'vocab':{'a':0,'b':1,'ab':2},'merges':['#version: 0.2','a b']}")) {
      assertThat(tokenizer.encode("ab")).containsExactly(2);
    }
    try (JsonTokenizer tokenizer =
        with(
            "model",
            "{'vocab':{'a':0,'##b':1,'u':2},'unk_token':'u','continuing_subword_prefix':'##',"
                + "'max_input_chars_per_word':100}")) {
      assertThat(tokenizer.encode("ab")).containsExactly(0, 1);
    }
    try (JsonTokenizer tokenizer = with("model", "{'vocab':[['a',-1.5],['u',0]],'unk_id':1}")) {
      assertThat(tokenizer.encode("ab")).containsExactly(0, 1);
    }
  }

  /** The library's regular expressions give up, and abort, at twenty million spaces. */
  @Test
  void textsAreNotLongerThanTheLibraryBears() throws IOException {
    try (JsonTokenizer tokenizer =
        with(
            "pre_tokenizer",
            "{'type':'Split','pattern':{'Regex':'\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)'},"
                + "'behavior':'Isolated','invert':false}")) {
      assertThat(tokenizer.encode(" ".repeat(1 << 20))).containsExactly(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode(" ".repeat(20_000_000)))
          .withMessageContainingAll("20000000", "in pieces", "tokenizer.json");
    }
  }
}
