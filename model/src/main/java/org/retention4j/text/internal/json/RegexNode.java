package org.retention4j.text.internal.json;

import java.util.List;

/** A part of a regular expression, as far as its cost goes. */
sealed interface RegexNode {
  /** At most constant + linear·N; endless where no such bound is known. */
  record Count(double constant, double linear, boolean endless) {
    static final Count ONE = new Count(1, 0, false);
    static final Count NONE = new Count(0, 0, false);
    static final Count ENDLESS = new Count(0, 0, true);

    Count plus(Count other) {
      return new Count(constant + other.constant, linear + other.linear, endless || other.endless);
    }

    Count times(Count other) {
      return new Count(
          constant * other.constant,
          constant * other.linear + linear * other.constant,
          endless || other.endless || linear * other.linear > 0);
    }

    boolean isOne() {
      return equals(ONE);
    }
  }

  /** Returns in how many ways it can match at one place. */
  Count ways();

  /**
   * Returns how many steps back it takes at one place.
   *
   * @param last whether nothing that follows can fail, so that the first way counts
   */
  Count work(boolean last);

  /** Returns whether it can match the empty text. */
  boolean matchesNothing();

  /** Returns whether there are places at which it does not match. */
  boolean canFail();

  /** A character, or a set of characters. */
  record One() implements RegexNode {
    @Override
    public Count ways() {
      return Count.ONE;
    }

    @Override
    public Count work(boolean last) {
      return Count.ONE;
    }

    @Override
    public boolean matchesNothing() {
      return false;
    }

    @Override
    public boolean canFail() {
      return true;
    }
  }

  /** What takes no characters: an anchor, or a look ahead or behind, which is tried once. */
  record Assertion(RegexNode inner) implements RegexNode {
    @Override
    public Count ways() {
      return Count.ONE;
    }

    @Override
    public Count work(boolean last) {
      return inner.work(true).plus(Count.ONE);
    }

    @Override
    public boolean matchesNothing() {
      return true;
    }

    @Override
    public boolean canFail() {
      return true;
    }
  }

  /** A group that keeps its first way. */
  record Atomic(RegexNode inner) implements RegexNode {
    @Override
    public Count ways() {
      return Count.ONE;
    }

    @Override
    public Count work(boolean last) {
      return inner.work(true);
    }

    @Override
    public boolean matchesNothing() {
      return inner.matchesNothing();
    }

    @Override
    public boolean canFail() {
      return inner.canFail();
    }
  }

  /** One after the other; none is the empty pattern. */
  record Row(List<RegexNode> parts) implements RegexNode {
    @Override
    public Count ways() {
      Count all = Count.ONE;
      for (RegexNode part : parts) {
        all = all.times(part.ways());
      }
      return all;
    }

    @Override
    public Count work(boolean last) {
      int lastFailing = parts.size() - 1;
      while (last && lastFailing >= 0 && !parts.get(lastFailing).canFail()) {
        lastFailing--;
      }
      Count all = Count.NONE;
      Count before = Count.ONE;
      for (int i = 0; i < parts.size(); i++) {
        if (i > lastFailing) {
          before = Count.ONE;
        }
        all = all.plus(before.times(parts.get(i).work(last && i >= lastFailing)));
        before = before.times(parts.get(i).ways());
      }
      return all;
    }

    @Override
    public boolean matchesNothing() {
      return parts.stream().allMatch(RegexNode::matchesNothing);
    }

    @Override
    public boolean canFail() {
      return parts.stream().anyMatch(RegexNode::canFail);
    }
  }

  /** One or the other. */
  record Choice(List<RegexNode> branches) implements RegexNode {
    @Override
    public Count ways() {
      Count all = branches.get(0).ways();
      for (RegexNode branch : branches.subList(1, branches.size())) {
        all = all.plus(branch.ways());
      }
      return all;
    }

    @Override
    public Count work(boolean last) {
      Count all = Count.NONE;
      for (RegexNode branch : branches) {
        all = all.plus(branch.work(last));
      }
      return all;
    }

    @Override
    public boolean matchesNothing() {
      return branches.stream().anyMatch(RegexNode::matchesNothing);
    }

    @Override
    public boolean canFail() {
      return branches.stream().allMatch(RegexNode::canFail);
    }
  }

  /**
   * Again and again.
   *
   * @param most of the times, {@link #UNBOUNDED} for any number
   */
  record Loop(RegexNode body, int least, int most) implements RegexNode {
    static final int UNBOUNDED = -1;

    @Override
    public Count ways() {
      return ways(body.ways());
    }

    private Count ways(Count each) {
      if (each.isOne()) {
        return most == UNBOUNDED ? new Count(1, 1, false) : new Count(most - least + 1, 0, false);
      }
      if (most == UNBOUNDED) {
        return Count.ENDLESS;
      }
      Count all = Count.ONE;
      Count power = Count.ONE;
      for (int i = 0; i < most; i++) {
        power = power.times(each);
        all = all.plus(power);
      }
      return all;
    }

    @Override
    public Count work(boolean last) {
      Count each = body.ways();
      // The rounds before the last failed round stay as they are where one round is enough.
      boolean kept = last && least <= 1;
      Count inner = body.work(kept);
      if (each.isOne()) {
        return inner;
      }
      Count rounds = most == UNBOUNDED ? new Count(1, 1, false) : new Count(most, 0, false);
      return (kept ? rounds : ways(each).plus(rounds)).times(inner);
    }

    @Override
    public boolean matchesNothing() {
      return least == 0 || body.matchesNothing();
    }

    @Override
    public boolean canFail() {
      return least > 0 && body.canFail();
    }
  }
}
