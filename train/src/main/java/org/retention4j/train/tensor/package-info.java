/**
 * What training changes, to be read and written between two steps.
 *
 * <p>For users.
 */
package org.retention4j.train.tensor;
