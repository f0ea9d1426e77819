/**
 * Many sequences at once with one model, which come and go between steps: {@link
 * org.retention4j.batch.ContinuousBatch}.
 *
 * <p>For users who serve.
 */
package org.retention4j.batch;
