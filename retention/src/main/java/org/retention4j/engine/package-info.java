/**
 * The compute engine: products through oneDNN, fused element-wise work in Java, native memory with
 * an owner, and a small pool of worker lanes that own all threads.
 *
 * <p>Nothing here knows what retention is beyond its smallest arithmetic (decay, causal masking,
 * reading and updating one head's state); the arrangement of that arithmetic is the business of the
 * forms.
 */
package org.retention4j.engine;
