/**
 * What a form of retention is, and what it sees: one head of one sequence, its log decays and its
 * state; and into which micro-batches it lets a sequence be cut. A form imports this package and
 * {@link org.retention4j.engine.ops}, and nothing else of the project.
 *
 * <p>For authors of forms; may change before 1.0.
 */
package org.retention4j.core.form;
