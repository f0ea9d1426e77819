package org.retention4j.model;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.retention4j.core.form.SequenceForm;

/**
 * The plans of a stack, which its sessions share: those used last stay. Used under the engine's
 * lock only.
 */
final class FramePlans implements AutoCloseable {
  /** Plans kept at most. */
  private static final int KEPT = 16;

  /** What they may hold beside the one in use. */
  private static final long KEPT_BYTES = 32L << 20;

  /** What plans are made for: a form, B, N, and whether products may round to bf16. */
  record Key(SequenceForm form, int batch, int tokens, boolean bfloat16Products) {}

  private final DecoderStack stack;
  private final Map<Key, FramePlan> plans = new LinkedHashMap<>(16, 0.75f, true);
  private FramePlan lastUsed;

  FramePlans(DecoderStack stack) {
    this.stack = stack;
  }

  FramePlan plan(Key key) {
    FramePlan plan = plans.get(key);
    if (plan == null) {
      forget(null, KEPT - 1);
      plan = new FramePlan(stack, key.form(), key.batch(), key.tokens(), key.bfloat16Products());
      plans.put(key, plan);
    } else if (plan != lastUsed) {
      forget(plan, KEPT);
    }
    lastUsed = plan;
    return plan;
  }

  /** Closes the plans that were not used for longest until few enough are left beside one. */
  private void forget(FramePlan used, int count) {
    long held = 0;
    for (FramePlan plan : plans.values()) {
      held += plan == used ? 0 : plan.bytes();
    }
    Iterator<FramePlan> eldest = plans.values().iterator();
    while (eldest.hasNext() && (plans.size() > count || held > KEPT_BYTES)) {
      FramePlan plan = eldest.next();
      if (plan != used) {
        held -= plan.bytes();
        plan.close();
        eldest.remove();
      }
    }
  }

  @Override
  public void close() {
    plans.values().forEach(FramePlan::close);
    plans.clear();
    lastUsed = null;
  }
}
