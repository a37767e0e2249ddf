# Compiler flags shared by every target of this project.
function(yolk_compile_options target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wvla -Wformat=2
    -Wundef -Wwrite-strings
    -falign-functions=64 # the speed of a kernel does not hang on the length of what is linked before it
    -fno-math-errno     # sqrtf and friends as instructions; errno is never read
    -ffp-contract=off)  # same float results whether or not the processor has FMA
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE "YK__VERSION_STRING=\"${PROJECT_VERSION}\"")
  if(YOLK_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(YOLK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${YOLK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g)
    target_link_options(${target} PUBLIC -fsanitize=${YOLK_SANITIZE})
  endif()
endfunction()

# yolk_require(<target> <pkg-config name> <debian package>): link it, or stop and say what to install.
function(yolk_require target module package)
  pkg_check_modules(YOLK_DEP_${module} QUIET IMPORTED_TARGET ${module})
  if(NOT YOLK_DEP_${module}_FOUND)
    message(FATAL_ERROR "yolk needs ${module}: install ${package} (or run tools/setup)")
  endif()
  target_link_libraries(${target} PUBLIC PkgConfig::YOLK_DEP_${module})
endfunction()
