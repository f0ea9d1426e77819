package org.retention4j.text.internal.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The patterns that published tokenizers split by are read; those that explode are not. */
class RegexCostTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        // GPT-2, cl100k, o200k, DeepSeek, BLOOM, CLIP, T5, digits from the right.
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
            + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]+[\\p{Ll}]*"
            + "(?i:'s|'t)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
            + "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*",
        " ?[^(\\s|[.,!?…。，、।۔،])]+",
        "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
        " {2,}",
        "\\p{N}{1,3}(?=(?:\\p{N}{3})*\\b)",
        "(?=(\\d{3})+(?!\\d))",
        "[一-龥ࠀ-一가-퟿]+",
        "[\\p{Han}&&[^\\p{P}]]+",
        "\\s+$",
        "\\p{L}++\\p{M}?+(?>a|b)",
        "[[:alpha:]]+\\x41\\x{1F600}\\u00e9",
        "(?<=a)b(?<!c)",
        ""
      })
  void readsPublishedPatterns(String pattern) {
    // Texts of a million characters and more.
    assertThat(RegexCost.of(pattern).stepsPerCharacter()).isBetween(0.0, 8.0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "(?:a|aa)+$",
        "a*a*b",
        "\\s*\\s+x",
        "(\\s*,)*x",
        "(?:a?){1000}b",
        "(((a{1,9}){1,9}){1,9}){1,9}b",
        ".*.*.*x"
      })
  void refusesWhatExplodes(String pattern) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RegexCost.of(pattern))
        .withMessageContaining("explode");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a",
        "a)",
        "[a",
        "\\",
        "*a",
        "a**",
        "a{2}{3}",
        "a{3,2}",
        "a{,}",
        "a{1001}",
        "(a)\\1",
        "\\g<0>",
        "(?<name>a)",
        "(?i)a",
        "(?#c)",
        "(?(1)a|b)",
        "\\X",
        "\\K",
        "\\p{L",
        "\\x4",
        "a{99999999999}"
      })
  void refusesWhatIsNotKnown(String pattern) {
    assertThatIllegalArgumentException().isThrownBy(() -> RegexCost.of(pattern));
  }

  @Test
  void depthAndLengthAreBounded() {
    String deep = "(".repeat(100_000) + ")".repeat(100_000);
    assertThatIllegalArgumentException().isThrownBy(() -> RegexCost.of(deep));
    String sets = "[".repeat(5000) + "]".repeat(5000);
    assertThatIllegalArgumentException().isThrownBy(() -> RegexCost.of(sets));
    String nested = "(?:".repeat(30) + "a" + "*)".repeat(30);
    assertThatIllegalArgumentException().isThrownBy(() -> RegexCost.of(nested));
  }

  @Test
  void knowsWhatMatchesNothing() {
    for (String pattern :
        new String[] {"", "a*", "a?", "a|", "^", "$", "\\b", "(?=a)", "(a*)", "a{0,2}"}) {
      assertThat(RegexCost.of(pattern).matchesNothing()).as(pattern).isTrue();
    }
    for (String pattern : new String[] {"a", "a+", "[ab]", "^a", "a|b", "(?=a)a", "a{1,2}", "."}) {
      assertThat(RegexCost.of(pattern).matchesNothing()).as(pattern).isFalse();
    }
  }
}
