package org.retention4j.train.story;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Small stories of who has what, one a line, in plain ASCII:
 *
 * <pre>
 * Ben meets Anna in the park. Ben has a red kite, Anna has a blue hat. They swap. It is warm. Now
 * Ben has the hat and Anna has the kite.
 * </pre>
 *
 * <p>A story is a sequence of choices of known probabilities, and it can be read back into them:
 * each sentence shows by its words which one it is, and every word that was drawn stands in it. So
 * the entropy of the text is that of the choices. Stories are drawn independently of one another,
 * and end with a line feed, so the entropy rate of their concatenation is the expected bits of a
 * story over its expected bytes (the renewal theorem). All that follows from what was said before,
 * the names and things of the later sentences and the whole ending, costs nothing: a model comes
 * near the entropy only if it remembers over the length of a story.
 *
 * @since 0.1
 */
public final class StoryGrammar {
  /** The grammar. */
  public static final StoryGrammar SMALL = new StoryGrammar();

  private final Map<String, WordList> lists = new LinkedHashMap<>();
  private final List<List<Sentence>> parts;
  private final double bitsPerStory;
  private final double bytesPerStory;

  private StoryGrammar() {
    WordList names = WordList.of("a", "Anna 3 Ben 3 Clara 2 David 2 Emma 2 Fred 2 Grace 1 Hugo 1");
    WordList things = WordList.of("x", "ball 3 drum 2 flute 2 hat 3 kite 2 map 2 pen 1 rose 1");
    WordList colours = WordList.of("c", "red 4 blue 4 green 3 yellow 2 white 2 black 1");
    add(names, names.another("b"), things, things.another("y"), colours);
    add(new WordList("d", colours.words(), colours.weights(), null));
    add(WordList.of("place", "garden 4 kitchen 3 park 3 barn 2 school 2 forest 2"));
    add(WordList.of("weather", "warm 3 cold 2 windy 2 sunny 1"));
    add(WordList.of("food", "bread 3 cheese 2 apples 2 soup 1"));
    parts =
        List.of(
            List.of(
                new Sentence(3, "{a} and {b} are in the {place}. "),
                new Sentence(3, "{a} meets {b} in the {place}. "),
                new Sentence(2, "In the {place}, {a} sees {b}. ")),
            List.of(new Sentence(1, "{a} has a {c} {x}, {b} has a {d} {y}. ")),
            List.of(
                new Sentence(4, "{a} gives {b} the {x}. ", "Now {b} has the {x} and the {y}.\n"),
                new Sentence(4, "{b} gives {a} the {y}. ", "Now {a} has the {x} and the {y}.\n"),
                new Sentence(3, "They swap. ", "Now {a} has the {y} and {b} has the {x}.\n"),
                new Sentence(3, "They play. ", "Now {a} has the {x} and {b} has the {y}.\n"),
                new Sentence(2, "{a} loses the {x}. ", "Now {b} has the {y}.\n")),
            List.of(
                new Sentence(5, "It is {weather}. "),
                new Sentence(5, "They eat {food}. "),
                new Sentence(6, "")));
    bitsPerStory = parts.stream().mapToDouble(this::bits).sum();
    bytesPerStory = parts.stream().mapToDouble(this::bytes).sum();
  }

  private void add(WordList... more) {
    for (WordList list : more) {
      lists.put(list.hole(), list);
    }
  }

  /** Returns the bits of choosing a way, and of the words that are drawn for it first. */
  private double bits(List<Sentence> ways) {
    double bits = 0;
    for (Sentence way : ways) {
      double p = (double) way.weight() / weight(ways);
      bits -= p * Math.log(p) / Math.log(2);
      for (String hole : way.holes()) {
        bits += isSaid(hole, parts.indexOf(ways)) ? 0 : p * lists.get(hole).entropy();
      }
    }
    return bits;
  }

  /** Returns whether a word was drawn before a part: then all ways of an earlier one hold it. */
  private boolean isSaid(String hole, int part) {
    return parts.subList(0, part).stream()
        .anyMatch(ways -> ways.stream().allMatch(way -> way.holes().contains(hole)));
  }

  /** Lengths of words depend on no choice of a way, so expectations may be added. */
  private double bytes(List<Sentence> ways) {
    double bytes = 0;
    for (Sentence way : ways) {
      bytes += (double) way.weight() / weight(ways) * way.length(lists);
    }
    return bytes;
  }

  private static int weight(List<Sentence> ways) {
    return ways.stream().mapToInt(Sentence::weight).sum();
  }

  /** Returns the entropy rate of the text in bits per byte, exact but for rounding. */
  public double bitsPerByte() {
    return bitsPerStory / bytesPerStory;
  }

  /** Returns the entropy of a story in bits. */
  public double bitsPerStory() {
    return bitsPerStory;
  }

  /** Returns the expected length of a story in bytes, its line feed included. */
  public double bytesPerStory() {
    return bytesPerStory;
  }

  /**
   * Returns a story, with its line feed. The same seed and index give the same story; stories of
   * different ones are drawn independently.
   */
  public String story(long seed, long index) {
    SplittableRandom random =
        new SplittableRandom(mixed(mixed(seed) + index * 0x9E3779B97F4A7C15L));
    Map<String, Integer> drawn = new HashMap<>();
    Map<String, String> words = new HashMap<>();
    StringBuilder story = new StringBuilder();
    String ending = "";
    for (List<Sentence> ways : parts) {
      Sentence way = choose(ways, random);
      for (String hole : way.holes()) {
        if (!drawn.containsKey(hole)) {
          WordList list = lists.get(hole);
          int without = list.unlike() == null ? -1 : drawn.get(list.unlike().hole());
          drawn.put(hole, list.draw(random, without));
          words.put(hole, list.words().get(drawn.get(hole)));
        }
      }
      story.append(Sentence.fill(way.text(), words));
      ending += way.ending();
    }
    return story.append(Sentence.fill(ending, words)).toString();
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood: OOPSLA 2014), so that seeds lie apart. */
  private static long mixed(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private static Sentence choose(List<Sentence> ways, SplittableRandom random) {
    int left = random.nextInt(weight(ways));
    for (Sentence way : ways) {
      left -= way.weight();
      if (left < 0) {
        return way;
      }
    }
    throw new AssertionError("weights that do not add up");
  }

  /**
   * Returns the stories of a seed from its first on, so many bytes; the last story may be cut.
   *
   * @throws IllegalArgumentException if {@code bytes} is negative
   */
  public byte[] text(long seed, int bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("expected bytes >= 0, got " + bytes);
    }
    byte[] text = new byte[bytes];
    int at = 0;
    for (long index = 0; at < bytes; index++) {
      byte[] story = story(seed, index).getBytes(StandardCharsets.US_ASCII);
      int count = Math.min(story.length, bytes - at);
      System.arraycopy(story, 0, text, at, count);
      at += count;
    }
    return text;
  }
}
