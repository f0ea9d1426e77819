/**
 * Model folders of the Hugging Face hub, read, written and converted. Start at {@link Checkpoint}.
 * Families of checkpoints and formats of files stand in packages of their own.
 *
 * <p>For users.
 */
package org.retention4j.checkpoint;
