/* The version of this yolk, as CMake knows it. */
#ifndef YK_BASE_VERSION_H
#define YK_BASE_VERSION_H
#ifndef YK__VERSION_STRING
#define YK__VERSION_STRING "0.1.0"
#endif
#endif
