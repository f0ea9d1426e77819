package org.retention4j.train.pass;

import org.retention4j.engine.ops.Tile;

/**
 * The tiles between which a pass of a layer lies, each (B·T,D).
 *
 * @param x what it reads, by {@link PassContext#products} or as rows; kept until the way back is
 *     done
 * @param y what it writes
 * @param dy gradient of y; not changed
 * @param dx receives the gradient of x
 */
public record Ends(Tile x, Tile y, Tile dy, Tile dx) {}
