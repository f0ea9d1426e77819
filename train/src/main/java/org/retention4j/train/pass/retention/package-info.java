/**
 * The block of retention forwards and back.
 *
 * <p>May change at any time.
 */
package org.retention4j.train.pass.retention;
