/**
 * A model that comes with the project, to try things out with: {@link
 * org.retention4j.austen.Austen}.
 *
 * <p>For users.
 */
package org.retention4j.austen;
