// DependentType: a type that a class template names, but that a compiler looks at no sooner than it has to.
#pragma once

namespace rouse::inline v0::detail {

template <class T, class Parameter>
struct DependentTypeOf {
  using Type = T;
};

/// `T`, in a template with that parameter. As a std::optional of a T that depends on nothing is instantiated by g++ in
/// every unit, though no unit may use what returns it.
template <class T, class Parameter>
using DependentType = typename DependentTypeOf<T, Parameter>::Type;

}  // namespace rouse::inline v0::detail
