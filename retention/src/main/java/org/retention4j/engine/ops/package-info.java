/**
 * The words that machines and those who use them share: tiles, rows, states, caches, products with
 * packed weights, and the lanes that compute. Interfaces and value types that import nothing of the
 * project.
 *
 * <p>For authors of forms and mixers; may change before 1.0. Users meet the enumerations, {@link
 * org.retention4j.engine.ops.WeightType} for instance.
 */
package org.retention4j.engine.ops;
