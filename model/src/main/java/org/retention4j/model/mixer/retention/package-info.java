/** Multi-scale retention as a token mixer: a state of fixed size, in any of its forms. */
package org.retention4j.model.mixer.retention;
