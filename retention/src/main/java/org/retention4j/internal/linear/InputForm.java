package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Tile;

/**
 * The form in which a product reads its input, which weights name: products of one tile that name
 * equal forms share one {@link PreparedInput}.
 */
public interface InputForm {
  /** Binds the conversion of a tile to this form. */
  PreparedInput prepare(PlanContext context, Tile x);
}
