/**
 * A model over HTTP: completions as OpenAI's clients ask for them, and named sessions that outlive
 * the process: {@link org.retention4j.server.RetentionServer}.
 *
 * <p>For users who serve.
 */
package org.retention4j.server;
