/**
 * The parts of a model as training runs them: bound to tiles, forwards and back, with weights that
 * change. A pass keeps what its way back needs in tiles of {@link
 * org.retention4j.train.pass.PassContext}.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.pass;
