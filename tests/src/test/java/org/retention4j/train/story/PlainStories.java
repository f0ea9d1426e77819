package org.retention4j.train.story;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The stories once more, as whole lines with holes: read by regular expressions, counted by going
 * through all pairs of words.
 */
final class PlainStories {
  private static final Map<String, Double> NAMES =
      sixteenths("Anna 3,Ben 3,Clara 2,David 2,Emma 2,Fred 2,Grace 1,Hugo 1");
  private static final Map<String, Double> THINGS =
      sixteenths("ball 3,drum 2,flute 2,hat 3,kite 2,map 2,pen 1,rose 1");
  private static final Map<String, Double> COLOURS =
      sixteenths("red 4,blue 4,green 3,yellow 2,white 2,black 1");
  private static final Map<String, Double> PLACES =
      sixteenths("garden 4,kitchen 3,park 3,barn 2,school 2,forest 2");
  private static final Map<String, Double> WEATHERS = sixteenths("warm 6,cold 4,windy 4,sunny 2");
  private static final Map<String, Double> FOODS = sixteenths("bread 6,cheese 4,apples 4,soup 2");

  private static final List<Line> LINES = lines();

  private PlainStories() {}

  /**
   * A way in which a story was read.
   *
   * @param bits minus the logarithm of its probability
   * @param first who is named first
   */
  record Reading(double bits, String first) {}

  /** A whole story with holes ABXYCDPWF and its probability, words not counted. */
  private record Line(double probability, String text, Pattern pattern) {}

  private static Map<String, Double> sixteenths(String text) {
    Map<String, Double> probabilities = new LinkedHashMap<>();
    for (String item : text.split(",")) {
      String[] parts = item.split(" ");
      probabilities.put(parts[0], Integer.parseInt(parts[1]) / 16.0);
    }
    return probabilities;
  }

  private static List<Line> lines() {
    List<Line> lines = new ArrayList<>();
    String[] openings = {
      "3 <A> and <B> are in the <P>.", "3 <A> meets <B> in the <P>.", "2 In the <P>, <A> sees <B>."
    };
    String[][] events = {
      {"4 <A> gives <B> the <X>.", "Now <B> has the <X> and the <Y>."},
      {"4 <B> gives <A> the <Y>.", "Now <A> has the <X> and the <Y>."},
      {"3 They swap.", "Now <A> has the <Y> and <B> has the <X>."},
      {"3 They play.", "Now <A> has the <X> and <B> has the <Y>."},
      {"2 <A> loses the <X>.", "Now <B> has the <Y>."}
    };
    String[] others = {"5 It is <W>. ", "5 They eat <F>. ", "6 "};
    for (String opening : openings) {
      for (String[] event : events) {
        for (String other : others) {
          double p = weight(opening) / 8 * (weight(event[0]) / 16) * (weight(other) / 16);
          String text =
              opening.substring(2)
                  + " <A> has a <C> <X>, <B> has a <D> <Y>. "
                  + event[0].substring(2)
                  + " "
                  + other.substring(2)
                  + event[1]
                  + "\n";
          lines.add(new Line(p, text, pattern(text)));
        }
      }
    }
    return lines;
  }

  private static double weight(String item) {
    return Character.digit(item.charAt(0), 10);
  }

  private static Map<String, Double> words(String hole) {
    return switch (hole) {
      case "A", "B" -> NAMES;
      case "X", "Y" -> THINGS;
      case "C", "D" -> COLOURS;
      case "P" -> PLACES;
      case "W" -> WEATHERS;
      default -> FOODS;
    };
  }

  /** The first of each hole takes any word of its list, each later one the same word. */
  private static Pattern pattern(String text) {
    String pattern = text.replace(".", "\\.");
    for (String hole : "A B X Y C D P W F".split(" ")) {
      String any = String.join("|", words(hole).keySet());
      pattern =
          pattern
              .replaceFirst("<" + hole + ">", "(?<" + hole + "b>" + any + ")")
              .replace("<" + hole + ">", "\\k<" + hole + "b>");
    }
    return Pattern.compile(pattern);
  }

  /** Returns all ways of reading a story. */
  static List<Reading> readings(String story) {
    List<Reading> readings = new ArrayList<>();
    for (Line line : LINES) {
      Matcher m = line.pattern().matcher(story);
      if (m.matches()) {
        double p = line.probability();
        p *= pair(NAMES, m.group("Ab"), m.group("Bb"));
        p *= pair(THINGS, m.group("Xb"), m.group("Yb"));
        p *= COLOURS.get(m.group("Cb")) * COLOURS.get(m.group("Db"));
        p *= PLACES.get(m.group("Pb"));
        p *= line.text().contains("<W>") ? WEATHERS.get(m.group("Wb")) : 1;
        p *= line.text().contains("<F>") ? FOODS.get(m.group("Fb")) : 1;
        readings.add(new Reading(bits(p), m.group("Ab")));
      }
    }
    return readings;
  }

  private static double pair(Map<String, Double> words, String one, String other) {
    return one.equals(other) ? 0 : words.get(one) * words.get(other) / (1 - words.get(one));
  }

  private static double bits(double p) {
    return -Math.log(p) / Math.log(2);
  }

  /** Returns the bits of a story: of its line, and of all words and pairs of words in it. */
  static double entropy() {
    double bits = pairs(NAMES) + pairs(THINGS) + 2 * entropy(COLOURS) + entropy(PLACES);
    for (Line line : LINES) {
      bits += line.probability() * bits(line.probability());
      bits += line.text().contains("<W>") ? line.probability() * entropy(WEATHERS) : 0;
      bits += line.text().contains("<F>") ? line.probability() * entropy(FOODS) : 0;
    }
    return bits;
  }

  private static double entropy(Map<String, Double> words) {
    return words.values().stream().mapToDouble(p -> p * bits(p)).sum();
  }

  private static double pairs(Map<String, Double> words) {
    double bits = 0;
    for (String one : words.keySet()) {
      for (String other : words.keySet()) {
        double p = pair(words, one, other);
        bits += p == 0 ? 0 : p * bits(p);
      }
    }
    return bits;
  }

  /** Returns the mean length of a story. */
  static double meanLength() {
    Map<String, Double> lengths = new HashMap<>();
    for (String hole : "A B X Y C D P W F".split(" ")) {
      lengths.put(hole, 0.0);
      words(hole).forEach((word, p) -> lengths.merge(hole, p * word.length(), Double::sum));
    }
    lengths.put("B", lengthOfSecond(NAMES));
    lengths.put("Y", lengthOfSecond(THINGS));
    double mean = 0;
    for (Line line : LINES) {
      double length = 0;
      for (int i = 0; i < line.text().length(); i++) {
        boolean hole = line.text().charAt(i) == '<';
        length += hole ? lengths.get(line.text().substring(i + 1, i + 2)) : 1;
        i += hole ? 2 : 0;
      }
      mean += line.probability() * length;
    }
    return mean;
  }

  private static double lengthOfSecond(Map<String, Double> words) {
    double mean = 0;
    for (String one : words.keySet()) {
      for (String other : words.keySet()) {
        mean += pair(words, one, other) * other.length();
      }
    }
    return mean;
  }
}
