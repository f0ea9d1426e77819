package org.retention4j.train.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.retention4j.args.Args;

/**
 * How far counting alone compresses held-out text: byte n-grams of growing order, in bits per byte.
 * A model that does not stay below the best of them has not learnt what neighbouring bytes tell.
 *
 * <p>Order k looks at the k bytes before, with interpolated Witten-Bell smoothing (Witten and Bell,
 * IEEE Transactions on Information Theory 37(4), 1991, method C; interpolated as in Chen and
 * Goodman, Harvard TR-10-98, section 2.5):
 *
 * <pre>
 * p_k(c | h) = (count(hc) + distinct(h) p_{k-1}(c | h')) / (count(h) + distinct(h))
 * </pre>
 *
 * where h are the k bytes before c, h' the last k-1 of them, count(h) how many bytes follow h in
 * the text that was counted and distinct(h) how many different ones; p_k is p_{k-1} where nothing
 * follows h, and p_{-1} is 1/256. Counts are of the training text only: nothing is learnt from what
 * is held out. Contexts do not reach over the beginning of a text.
 *
 * <p>Orders are computed one after the other, and only contexts that the held-out text has are
 * counted, so memory is some 20 bytes for each byte held out and for each of these contexts'
 * continuations, whatever the length of the training text.
 *
 * @since 0.1
 */
public final class NGramLadder {
  /** The highest order that can be asked for: an n-gram is a 64-bit number. */
  public static final int HIGHEST_ORDER = 7;

  private final List<Rung> rungs;

  /**
   * What one order reaches.
   *
   * @param order bytes of context
   * @param bpb bits per byte on the held-out text
   */
  public record Rung(int order, double bpb) {}

  private NGramLadder(List<Rung> rungs) {
    this.rungs = List.copyOf(rungs);
  }

  /**
   * Counts a text, and measures the orders 0 to {@code highest} on another.
   *
   * @param highest 0…{@value #HIGHEST_ORDER}
   * @throws IllegalArgumentException if the held-out text is empty or the order out of range
   */
  public static NGramLadder measure(byte[] training, byte[] heldOut, int highest) {
    Args.present("a training text", training);
    if (Args.present("a held-out text", heldOut).length == 0) {
      throw new IllegalArgumentException("expected at least one byte held out, got none");
    }
    if (highest < 0 || highest > HIGHEST_ORDER) {
      throw new IllegalArgumentException(
          "expected an order in 0..." + HIGHEST_ORDER + ", got " + highest);
    }
    List<Rung> rungs = new ArrayList<>();
    double[] probabilities = new double[heldOut.length];
    Arrays.fill(probabilities, 1.0 / 256);
    for (int order = 0; order <= highest; order++) {
      new Order(order, training, heldOut).refine(probabilities);
      rungs.add(new Rung(order, bits(probabilities) / heldOut.length));
    }
    return new NGramLadder(rungs);
  }

  private static double bits(double[] probabilities) {
    double nats = 0;
    for (double p : probabilities) {
      nats -= Math.log(p);
    }
    return nats / Math.log(2);
  }

  /** Returns what each order reaches, from order 0 on. */
  public List<Rung> rungs() {
    return rungs;
  }

  /** Returns the order that needs the fewest bits; of equals the lowest. */
  public Rung best() {
    return rungs.stream().min(Comparator.comparingDouble(Rung::bpb)).orElseThrow();
  }

  /** One order: counts of the training text for the contexts that the held-out text has. */
  private static final class Order {
    private final int order;
    private final byte[] heldOut;
    private final LongIds contexts = new LongIds();
    private final LongIds grams = new LongIds();
    private final int[] followers;
    private final int[] distinct;
    private int[] counts = new int[1024];

    Order(int order, byte[] training, byte[] heldOut) {
      this.order = order;
      this.heldOut = heldOut;
      long context = 0;
      for (int i = 0; i < heldOut.length; i++) {
        if (i >= order) {
          contexts.add(context);
        }
        context = next(context, heldOut[i]);
      }
      followers = new int[contexts.size()];
      distinct = new int[contexts.size()];
      count(training);
    }

    private void count(byte[] training) {
      long context = 0;
      for (int i = 0; i < training.length; i++) {
        int id = i < order ? -1 : contexts.find(context);
        if (id >= 0) {
          followers[id]++;
          distinct[id] += countGram(gram(context, training[i]));
        }
        context = next(context, training[i]);
      }
    }

    /** Counts an n-gram, and returns 1 if it is the first of its kind. */
    private int countGram(long gram) {
      int id = grams.add(gram);
      if (id == counts.length) {
        counts = Arrays.copyOf(counts, 2 * id);
      }
      return counts[id]++ == 0 ? 1 : 0;
    }

    private static long gram(long context, byte next) {
      return context << 8 | (next & 0xFF);
    }

    /** Returns the last bytes of a context and the byte behind it, as many as the order says. */
    private long next(long context, byte byteBehind) {
      return gram(context, byteBehind) & ((1L << 8 * order) - 1);
    }

    /** Makes the probabilities of the order below, one for each byte held out, those of this. */
    void refine(double[] probabilities) {
      long context = 0;
      for (int i = 0; i < heldOut.length; i++) {
        int id = i < order ? -1 : contexts.find(context);
        if (id >= 0 && followers[id] > 0) {
          int gram = grams.find(gram(context, heldOut[i]));
          double seen = gram < 0 ? 0 : counts[gram];
          probabilities[i] =
              (seen + distinct[id] * probabilities[i]) / ((double) followers[id] + distinct[id]);
        }
        context = next(context, heldOut[i]);
      }
    }
  }
}
