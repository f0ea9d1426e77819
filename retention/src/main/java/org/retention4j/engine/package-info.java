/**
 * The door to all machines: {@link org.retention4j.engine.Engine} chooses and assembles what
 * computes, owns its threads and its scratch, and packs weights; {@link
 * org.retention4j.engine.ComputeRoute} says who does the element-wise work. Nothing here knows how
 * a form arranges retention.
 *
 * <p>For users. What an engine speaks with forms and mixers is {@link org.retention4j.engine.ops}.
 */
package org.retention4j.engine;
