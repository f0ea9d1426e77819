package org.retention4j.model.mixer;

import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/**
 * A part of a mixer on given inputs, to be held to plain float64 in every form and engine.
 *
 * @since 0.1
 */
public interface MixerTrial {
  /** Returns the part's name as reports show it. */
  String part();

  /** Returns what plain float64 gives. */
  Outcome expected();

  /** Returns what a form gives in an engine, on the same inputs. */
  Outcome run(Engine engine, SequenceForm form);

  /** Returns the bound of the errors of outputs and states. */
  double bound(ElementType type);
}
