/* numpy's scalars, as pickles hold them: a dtype and the number's bytes. Counts and sizes of checkpoints are such scalars
 * where the training script computed them with numpy. */
#ifndef YK_IMPORT_PICKLE_NUMPY_H
#define YK_IMPORT_PICKLE_NUMPY_H

#include "import/pickle.h"

/* The number that numpy.core.multiarray.scalar(dtype, bytes) makes: an INT, FLOAT or BOOL. False for types that are no
 * numbers, big-endian ones, and bytes that do not fit. */
bool yk__pickle_numpy_scalar(const yk__pickle *pickle, yk__py dtype, yk__py bytes, yk__py_value *out);

#endif
