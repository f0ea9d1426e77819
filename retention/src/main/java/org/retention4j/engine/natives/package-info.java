/**
 * How native libraries are unpacked and loaded: once, by whoever needs one first, in a thread of
 * their own; a failure is told to all who ask, with the folder and the property that chooses
 * another.
 *
 * <p>For this project's modules; users meet {@link
 * org.retention4j.engine.natives.NativeLibraryException}.
 */
package org.retention4j.engine.natives;
